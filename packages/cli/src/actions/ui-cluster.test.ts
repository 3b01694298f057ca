import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { LoadService, RegistryService } from '@kplug/protocol';
import { startTimeout, TestCluster, TestKubelet } from '@kplug/testing/control-plane';
import { kplug, type RunningProcess, startKplug } from '@kplug/testing/kplug';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let cluster: TestCluster;
let namespace: string;
let first: Controller;
let second: Controller;
/** The one that the pods' port leads to. */
let leader: Controller;
let kubelet: TestKubelet;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;

const labels = { 'app.kubernetes.io/part-of': 'kplug', 'app.kubernetes.io/component': 'operator' };
const leading = { ...labels, 'kplug.dev/role': 'leader' };

async function startController(name: string): Promise<Controller> {
  const controller = new Controller({
    resources: new MemoryResources(),
    delegations: [{ name, base: { apiVersion: 'a.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
  });
  await controller.start();
  return controller;
}

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  first = await startController('first');
  second = await startController('second');
  leader = first;
  kubelet = await TestKubelet.start(cluster, (port) =>
    port === 8082 ? Number(leader.adminAddress.split(':').at(-1)) : undefined,
  );
  await kubelet.addPod(namespace, 'kplug-0', leading);
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-ui-'));
  await writeFile(join(folder.path, 'kubeconfig'), cluster.kubeConfig.exportConfig());
}, startTimeout);

afterAll(async () => {
  await first?.stop();
  await second?.stop();
  await kubelet?.[Symbol.asyncDispose]();
  await cluster?.close();
  await folder?.remove();
});

const argsOf = (...args: string[]) => [
  ...['ui', '--no-open', '--port', '0', '--kubeconfig', join(folder.path, 'kubeconfig')],
  ...['--operator-namespace', namespace, ...args],
];

async function urlOf(running: RunningProcess): Promise<string> {
  await expect.poll(() => running.stderr).toContain('Press Ctrl-C to end');
  return running.stdout.trim();
}

describe('kplug ui, for an operator of a cluster,', () => {
  it('serves the page, its calls and its streams, to those with the URL, until it is interrupted', async () => {
    await using running = startKplug(argsOf());
    const url = await urlOf(running);
    expect(running.stderr).toContain(`the pod ${namespace}/kplug-0, by port-forward`);
    const page = await fetch(url);
    expect(await page.text()).toMatch(/^<!doctype html>/i);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1' });
    const { delegations } = await createClient(LoadService, transport).getLoad({});
    expect(delegations.map(({ delegation }) => delegation)).toEqual(['first']);
    for await (const { event } of createClient(RegistryService, transport).watchPlugins({})) {
      expect(event.case).toBe('synced');
      break;
    }
    const { origin } = new URL(url);
    expect((await fetch(`${origin}/`)).status).toBe(404);
    expect((await fetch(url, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    running.kill('SIGINT');
    expect((await running.ended()).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('follows the leadership to another pod, and says so', async () => {
    await using running = startKplug(argsOf());
    const url = await urlOf(running);
    const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1' });
    const watch = createClient(RegistryService, transport).watchPlugins({})[Symbol.asyncIterator]();
    await watch.next();
    leader = second;
    await kubelet.addPod(namespace, 'kplug-1', leading);
    const old = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'kplug-0', namespace } };
    await cluster.edit(old, { metadata: { labels: { 'kplug.dev/role': null } } });
    await expect.poll(() => running.stderr).toContain(`connected to the pod ${namespace}/kplug-1, which leads now`);
    // The page asks again when its stream ends.
    await expect(watch.next()).rejects.toThrow();
    const { delegations } = await createClient(LoadService, transport).getLoad({});
    expect(delegations.map(({ delegation }) => delegation)).toEqual(['second']);
  });

  it('says so while there is no operator', async () => {
    await using running = startKplug(argsOf());
    const url = await urlOf(running);
    for (const name of ['kplug-0', 'kplug-1']) {
      // No kubelet ends them.
      const path = `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`;
      await cluster.request('DELETE', path);
    }
    const problem = `the namespace ${namespace} has no operator now`;
    await expect.poll(() => running.stderr).toContain(problem);
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([503, `${problem}\n`]);
    await kubelet.addPod(namespace, 'kplug-2', leading);
    await expect.poll(async () => (await fetch(url)).status).toBe(200);
  });

  it('refuses to let the page act for a user without a token', async () => {
    const { code, stderr } = await kplug(argsOf('--allow-actions'));
    expect(code).toBe(2);
    expect(stderr).toContain("sends the operator the token of the kubeconfig's user, which has none");
  });
});
