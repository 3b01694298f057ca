import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { startTimeout, TestCluster, TestKubelet } from '@kplug/testing/control-plane';
import { kplug } from '@kplug/testing/kplug';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let cluster: TestCluster;
let namespace: string;
let controller: Controller;
let kubelet: TestKubelet;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let isListening = true;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  controller = new Controller({
    resources: new MemoryResources(),
    delegations: [{ name: 'tables', base: { apiVersion: 'a.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
  });
  await controller.start();
  const admin = Number(controller.adminAddress.split(':').at(-1));
  kubelet = await TestKubelet.start(cluster, (port) => (port === 8082 && isListening ? admin : undefined));
  await kubelet.addPod(namespace, 'kplug-0', {
    'app.kubernetes.io/part-of': 'kplug',
    'app.kubernetes.io/component': 'operator',
    'kplug.dev/role': 'leader',
  });
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-forward-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
}, startTimeout);

afterAll(async () => {
  await controller?.stop();
  await kubelet?.[Symbol.asyncDispose]();
  await cluster?.close();
  await folder?.remove();
});

const run = (args: readonly string[], kubeconfig = 'kubeconfig') =>
  kplug([...args, '--kubeconfig', join(folder.path, kubeconfig), '--operator-namespace', namespace]);

describe('on a cluster, commands reach the operator by port-forward', () => {
  it('and read its lists and pages', async () => {
    const { code, stderr } = await run(['plugins']);
    expect(stderr).toContain('No plugin is registered with the operator');
    expect(code).toBe(0);
    expect(kubelet.forwarded).toContain(`${namespace}/kplug-0:8082`);
    const { findings } = JSON.parse((await run(['doctor', '-o', 'json'])).stdout) as {
      findings: { check: string; outcome: string; message: string }[];
    };
    const answers = findings.filter(({ check }) => check === 'OperatorAnswers' || check === 'OperatorReady');
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    expect(answers[0]?.message).toContain(`the pod ${namespace}/kplug-0, by port-forward`);
  });

  it('and say so when nothing listens there', async () => {
    isListening = false;
    const { code, stderr } = await run(['plugins']);
    isListening = true;
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      `the port 8082 of the pod ${namespace}/kplug-0 can't be forwarded: failed to connect to localhost`,
    );
  });

  it('and name the right that a user lacks', async () => {
    const name = 'onlooker';
    await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
    const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
    await cluster.grant(`system:serviceaccount:${namespace}:${name}`, namespace, [pods]);
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const { status } = await cluster.request<{ status: { token: string } }>('POST', path, body);
    const config = JSON.parse(cluster.kubeConfig.exportConfig());
    for (const { user } of config.users) {
      for (const field of Object.keys(user)) delete user[field];
      user.token = status.token;
    }
    await writeFile(join(folder.path, 'onlooker'), JSON.stringify(config));
    await expect
      .poll(async () => (await run(['plugins'], 'onlooker')).stderr)
      .toContain('it takes the right to create pods/portforward');
  });
});
