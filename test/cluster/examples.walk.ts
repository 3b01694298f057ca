import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, vi } from 'vitest';
import { kubectl } from './commands.ts';
import { DeployedNamespace, inRepository } from './deployed-namespace.ts';
import { walk } from './walk.ts';

const waitOptions = { timeout: 90_000, interval: 250 };
const run = promisify(execFile);

/** Returns the line of a `kubectl get` output that starts with a name. */
function lineOf(output: string, name: string): string | undefined {
  return output.split('\n').find((line) => line.startsWith(`${name} `));
}

describe('foobar', () => {
  const deployed = new DeployedNamespace();
  const file = (name: string) => inRepository(`examples/foobar/${name}`);

  beforeAll(async () => {
    await deployed.load('foobar-operator', 'foobar-alpha', 'foobar-beta', 'foobar-gamma');
    // `kubectl run` creates pods without a security context, which the restricted standard rejects.
    await deployed.create('baseline');
    await kubectl('apply', '--server-side', '--force-conflicts', '--filename', file('deploy/kind.yaml'));
  });

  const step = walk(deployed, async () => {
    await deployed.kubectl('delete', 'foobars', '--all', '--timeout=60s');
    await deployed.remove();
  });

  /** Returns the response of the port that this example adds to the operator. */
  async function ask(path: string): Promise<unknown> {
    const [pod] = await deployed.pods('kplug');
    const where = `/api/v1/namespaces/${deployed.namespace}/pods/${pod?.metadata.name}:8083/proxy${path}`;
    return JSON.parse(await kubectl('get', '--raw', where));
  }

  step('runs two plugins from images in its plugins folder, and one reconciles a resource', async () => {
    await deployed.installOperator(file('deploy/operator-values.yaml'));
    await deployed.kubectl('apply', '--filename', file('manifests/first.yaml'));
    await deployed.expect(['foobar', 'first'], { status: { implementation: 'Alpha', foobar: 'aaaa-bar' } });
    await vi.waitFor(async () => expect(await ask('/foos?prefer=Beta')).toMatchObject({ foo: 'bbb' }), waitOptions);
    expect(await ask('/foos?prefer=Alpha&length=2')).toMatchObject({ foo: 'aa', plugin: 'Alpha' });
  });

  step('calls a plugin behind a Service that sends no heartbeats', async () => {
    const image = '--image=kplug/foobar-gamma:dev';
    await deployed.kubectl('run', 'gamma', image, '--port=7000', '--env=KPLUG_INSECURE=true');
    await deployed.kubectl('expose', 'pod', 'gamma', '--port=7000');
    await deployed.kubectl('apply', '--filename', file('deploy/gamma.yaml'));
    await vi.waitFor(async () => {
      expect(await ask('/bars?count=1')).toEqual({ Alpha: ['alpha-0'], Gamma: ['gamma-0'] });
    }, waitOptions);
  });

  step('shows the APIs and the state of each plugin', async () => {
    await vi.waitFor(async () => {
      const output = await deployed.kubectl('get', 'plugins.plugins.kplug.dev');
      expect(lineOf(output, 'alpha-1.0.0')).toMatch(/ Foo@1\.0\.0,Bar@1\.0\.0,Foobar@1\.0\.0 +1\/1 +True +folder /);
      expect(lineOf(output, 'beta-1.0.0')).toMatch(/ Foo@1\.0\.0 +1\/1 +True +folder /);
      expect(lineOf(output, 'gamma')).toMatch(/ Bar@1\.0\.0 +1\/1 +True +service /);
    }, waitOptions);
    const { conditions = [] } =
      (await deployed.plugins()).find(({ metadata }) => metadata.name === 'alpha-1.0.0')?.status ?? {};
    expect(conditions.map(({ type, status }) => `${type} ${status}`).sort()).toEqual([
      'Accessible True',
      'Bar True',
      'Foo True',
      'Foobar True',
      'Running True',
    ]);
  });

  step('stops calling the plugin when its pod is deleted, and reports that', async () => {
    await deployed.kubectl('delete', 'pod', 'gamma');
    await vi.waitFor(async () => expect(await ask('/bars?count=1')).toEqual({ Alpha: ['alpha-0'] }), waitOptions);
    await deployed.expect(['plugins.plugins.kplug.dev', 'gamma'], { status: { ready: 'False' } });
  });
});

describe('configmap-secret', () => {
  const deployed = new DeployedNamespace();
  const file = (name: string) => inRepository(`examples/configmap-secret/${name}`);
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-test-'));
    await deployed.load('operator');
    await deployed.create();
  });

  const step = walk(deployed, async () => {
    // The operator needs the role in that file until it has released the resources.
    await kubectl('delete', 'delegations', 'configmaps', 'secrets', '--timeout=60s');
    await kubectl('delete', '--filename', file('deploy/delegations.yaml'), '--ignore-not-found');
    await deployed.remove();
    await rm(folder, { recursive: true });
  });

  /** Copies a file or folder into the operator's plugins folder, as in the README. */
  async function drop(from: string, to: string): Promise<void> {
    const [pod] = await deployed.pods('kplug');
    await deployed.kubectl('cp', from, `${pod?.metadata.name}:/plugins/${to}`);
  }

  /** Returns the status in the annotations of an object without a status subresource. */
  async function statusOf(kind: string, name: string, delegation: string): Promise<Record<string, unknown>> {
    const { metadata } = await deployed.get<{ metadata: { annotations?: Record<string, string> } }>(kind, name);
    return JSON.parse(metadata.annotations?.[`status.kplug.dev/${delegation}`] ?? '{}');
  }

  step('is declared at run time, and reports that no plugin is available yet', async () => {
    await deployed.installOperator(file('deploy/operator-values.yaml'));
    await deployed.kubectl('apply', '--filename', file('deploy/roller.yaml'));
    await kubectl('apply', '--filename', file('deploy/delegations.yaml'));
    await deployed.kubectl('apply', '--filename', file('deploy/app.yaml'));
    await vi.waitFor(async () => {
      const output = await kubectl('get', 'delegations');
      expect(lineOf(output, 'configmaps')).toMatch(/^configmaps +ConfigMap +ConfigMap@\^1\.0\.0 +False +0\/1 +0 /);
    }, waitOptions);
  });

  step('starts plugins as soon as they are copied into the folder', async () => {
    await drop(inRepository('dist/image/configmap-roller'), 'configmap');
    await drop(file('plugins/secret.ts'), 'secret.ts');
    await vi.waitFor(async () => {
      const { hash, deployments } = await statusOf('configmap', 'settings', 'configmaps');
      expect(deployments).toEqual(['app']);
      const app = await deployed.get<{ spec: { template: { metadata: { annotations?: object } } } }>(
        'deployment',
        'app',
      );
      expect(app.spec.template.metadata.annotations).toEqual({ 'rolls.example.org/settings': hash });
    }, waitOptions);
    await vi.waitFor(async () => {
      expect(lineOf(await kubectl('get', 'delegations'), 'configmaps')).toMatch(/ True +1\/1 +1 /);
      expect((await deployed.plugins()).map(({ spec }) => spec.plugin).sort()).toEqual([
        'ConfigMapRoller',
        'SecretInspector',
      ]);
    }, waitOptions);
  });

  step('reports a weak key and a certificate that expires soon', async () => {
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    const request = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-days', '10', '-subj', '/CN=example.org'];
    await run('openssl', [...request, '-keyout', key, '-out', certificate]);
    await deployed.kubectl('create', 'secret', 'tls', 'server', `--key=${key}`, `--cert=${certificate}`);
    await deployed.kubectl('label', 'secret', 'server', 'example.org/checked=true');
    await vi.waitFor(async () => {
      const events = await deployed.kubectl('get', 'events.events.k8s.io', '--output=jsonpath={.items[*].reason}');
      expect(events.split(' ')).toEqual(expect.arrayContaining(['WeakKey', 'CertificateExpiring']));
    }, waitOptions);
  });

  step('replaces and removes a plugin when its file changes and is deleted', async () => {
    const versions = async () => (await deployed.plugins()).filter(({ status }) => status?.ready === 'True');
    const source = await readFile(file('plugins/secret.ts'), 'utf8');
    const changed = join(folder, 'secret.ts');
    await writeFile(changed, source.replace("version: '1.0.0'", "version: '1.1.0'"));
    await drop(changed, 'secret.ts');
    await vi.waitFor(async () => {
      const ready = (await versions()).filter(({ spec }) => spec.plugin === 'SecretInspector');
      expect(ready.map(({ spec }) => spec.version)).toEqual(['1.1.0']);
      expect(await statusOf('secret', 'server', 'secrets')).toMatchObject({ plugin: { version: '1.1.0' } });
    }, waitOptions);
    const [pod] = await deployed.pods('kplug');
    await deployed.kubectl('exec', pod?.metadata.name ?? '', '--', 'rm', '/plugins/secret.ts');
    await vi.waitFor(async () => {
      expect((await versions()).map(({ spec }) => spec.plugin)).toEqual(['ConfigMapRoller']);
    }, waitOptions);
  });
});

describe('access', () => {
  const deployed = new DeployedNamespace();
  const file = (name: string) => inRepository(`examples/access/deploy/${name}`);

  beforeAll(async () => {
    await deployed.load('operator', 'access');
    await deployed.create();
    await kubectl('apply', '--server-side', '--force-conflicts', '--filename', file('kind.yaml'));
  });

  const step = walk(deployed, async () => {
    await kubectl('delete', '--filename', file('delegation.yaml'), '--timeout=60s');
    await deployed.remove();
  });

  /** Reports whether a user may list pods in the namespace. */
  const canListPods = async (user: string) =>
    (await deployed.kubectl('auth', 'can-i', 'list', 'pods', `--as=${user}`).catch(() => 'no')).trim();

  step('grants a role while the request exists', async () => {
    await deployed.installOperator(file('operator-values.yaml'));
    const account = `--serviceaccount=${deployed.namespace}:access-plugin`;
    await kubectl('apply', '--filename', file('delegation.yaml'));
    await deployed.kubectl('create', 'rolebinding', 'access-plugin', '--clusterrole=access-plugin', account);
    expect(await canListPods('jane')).toBe('no');
    await deployed.kubectl('apply', '--filename', file('jane.yaml'));
    await vi.waitFor(async () => expect(await canListPods('jane')).toBe('yes'), waitOptions);
    const output = await deployed.kubectl('get', 'accessrequests');
    expect(lineOf(output, 'jane')).toMatch(/^jane +jane +view +Granted +\d{4}-/);
  });

  step('rejects a request for a role that the plugin must not grant', async () => {
    const patch = '--patch={"spec":{"role":"cluster-admin"}}';
    const refusal = deployed.kubectl('patch', 'accessrequest', 'jane', '--type=merge', patch);
    await expect(refusal).rejects.toThrow(/Unsupported value: "cluster-admin"/);
  });

  step('revokes the role when the request is deleted', async () => {
    await deployed.kubectl('delete', 'accessrequest', 'jane', '--timeout=60s');
    await vi.waitFor(async () => expect(await canListPods('jane')).toBe('no'), waitOptions);
  });
});
