import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { getJson, helm, kubectl, loadImage } from './commands.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const inRepository = (path: string) => `${repository}${path}`;
const deploy = (file: string) => inRepository(`examples/database-table/deploy/${file}`);
const pluginDefinition = 'plugins.plugins.kplug.dev';

// The kernel keeps SIGKILL from a container's first process when it comes from inside, so its own debugger has it exit.
const crashScript = `
process.kill(1, 'SIGUSR1');
let target;
while (!target) {
  target = await fetch('http://127.0.0.1:9229/json').then((answer) => answer.json(), () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const socket = new WebSocket(target[0].webSocketDebuggerUrl);
// Later, as a process waits for the debugger to leave before it exits.
const params = { expression: 'setTimeout(() => process.reallyExit(1), 200)' };
socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
socket.onmessage = () => socket.close();
socket.onclose = () => process.exit();
`;

/** A table as `kubectl` shows it. */
export interface Table {
  metadata: { name: string; generation: number };
  spec: { columns: { name: string; type: string }[] };
  status?: {
    implementation?: string;
    plugin?: { version: string };
    observedGeneration?: number;
    table?: { database: string; columns: { name: string }[] };
    conditions?: { type: string; status: string; reason: string; observedGeneration?: number }[];
  };
}

/** A pod, as far as the walk looks at it. */
export interface Pod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: { containerStatuses?: { restartCount: number; ready: boolean }[] };
}

/** A `Plugin`, as far as the walk looks at it. */
export interface Plugin {
  metadata: { name: string };
  spec: { plugin: string; version: string };
  status?: { ready?: string; instanceCount?: string; instances?: { podName?: string; state: string }[] };
}

/** The example, deployed into a namespace of its own, by the files that its README names. */
export class DeployedExample {
  readonly namespace = `kplug-walk-${randomBytes(3).toString('hex')}`;

  /** Loads the images that `pnpm build:image` made, and makes the kinds and the namespace. */
  async prepare(): Promise<void> {
    const images = ['operator', 'database-table-sqlite', 'database-table-postgresql', 'postgresql-server'];
    for (const image of images) await loadImage(`kplug/${image}:dev`, inRepository(`dist/image/${image}`));
    await kubectl('apply', '--server-side', '--force-conflicts', '--filename', deploy('crds.yaml'));
    await kubectl('create', 'namespace', this.namespace);
    await kubectl('label', 'namespace', this.namespace, 'pod-security.kubernetes.io/enforce=restricted');
  }

  /** Installs or upgrades the operator, for this namespace only, and waits until it runs. */
  async operator(...settings: string[]): Promise<void> {
    const found = await kubectl('get', 'crd', pluginDefinition, '--ignore-not-found', '--output=name');
    // Another release may have it; then it is brought up to date here.
    if (found) {
      const file = inRepository('charts/kplug/files/plugin.crd.yaml');
      await kubectl('apply', '--server-side', '--force-conflicts', '--filename', file);
    }
    const own = [`namespaces={${this.namespace}}`, `crds.enabled=${!found}`, ...settings];
    await this.#install('kplug', 'kplug', deploy('operator-values.yaml'), own);
  }

  /** Installs or upgrades a plugin, and waits until it runs. */
  async plugin(name: 'sqlite' | 'postgresql', ...settings: string[]): Promise<void> {
    const own = [`controller=kplug.${this.namespace}.svc:50050`, ...settings];
    await this.#install(name, 'kplug-plugin', deploy(`${name}-values.yaml`), own);
  }

  /** Starts the example's PostgreSQL, and waits until it runs. */
  async postgres(): Promise<void> {
    await this.kubectl('apply', '--filename', deploy('postgresql-server.yaml'));
    await this.kubectl('rollout', 'status', 'deployment/postgresql-server', '--timeout=120s');
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl('--namespace', this.namespace, ...args);
  }

  table(name: string): Promise<Table> {
    return getJson<Table>('databasetable', name, '--namespace', this.namespace);
  }

  async plugins(): Promise<Plugin[]> {
    return (await getJson<{ items: Plugin[] }>(pluginDefinition, '--namespace', this.namespace)).items;
  }

  /** The pods of a release that aren't ending. */
  async pods(release: string): Promise<Pod[]> {
    const selector = `app.kubernetes.io/instance=${release}`;
    const { items } = await getJson<{ items: Pod[] }>('pods', '--selector', selector, '--namespace', this.namespace);
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** The pod that the heartbeat Service leads to. Waits until it is exactly one. */
  leader(): Promise<Pod> {
    return vi.waitFor(
      async () => {
        const leaders = (await this.pods('kplug')).filter(
          ({ metadata }) => metadata.labels['kplug.dev/role'] === 'leader',
        );
        expect(leaders, 'pods labelled as the leader').toHaveLength(1);
        return leaders[0] as Pod;
      },
      { timeout: 60_000, interval: 250 },
    );
  }

  /** Waits until a table is ready in its present generation, by a plugin. */
  async expectReady(name: string, implementation: string, version?: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const { metadata, status } = await this.table(name);
        expect(status, name).toMatchObject({ implementation, ...(version && { plugin: { version } }) });
        const ready = status?.conditions?.find(({ type }) => type === 'Ready');
        expect(ready, name).toMatchObject({ status: 'True', observedGeneration: metadata.generation });
      },
      { timeout: 90_000, interval: 250 },
    );
  }

  /** Adds a column to a table, as a user does, and returns the table's new generation. */
  async addColumn(name: string, column: string): Promise<number> {
    const patch = [{ op: 'add', path: '/spec/columns/-', value: { name: column, type: 'string' } }];
    await this.kubectl('patch', 'databasetable', name, '--type=json', `--patch=${JSON.stringify(patch)}`);
    return (await this.table(name)).metadata.generation;
  }

  /** Ends the process in a pod with no chance to tidy up, and waits until it has been started again. */
  async crash(pod: string): Promise<void> {
    const restarts = async () => {
      const { status } = await getJson<Pod>('pod', pod, '--namespace', this.namespace);
      return status.containerStatuses?.[0]?.restartCount ?? 0;
    };
    const before = await restarts();
    const exec = this.kubectl('exec', pod, '--', 'node', '--input-type=module', '--eval', crashScript);
    // It ends with the container, so whatever it says, what counts is that this one did.
    await exec.catch(() => undefined);
    await vi.waitFor(async () => expect(await restarts(), `restarts of ${pod}`).toBe(before + 1), {
      timeout: 30_000,
      interval: 100,
    });
  }

  /** The pods and what went wrong with them, to be read by whoever runs the walk. */
  async troubles(): Promise<string> {
    const pods = await this.kubectl('get', 'pods', '--output=wide');
    const warnings = await this.kubectl('get', 'events', '--field-selector=type=Warning', '--sort-by=.lastTimestamp');
    return `${pods}\n${warnings}`;
  }

  /** Removes everything but the kinds. */
  async remove(): Promise<void> {
    await this.kubectl('delete', 'databasetables', '--all', '--timeout=60s');
    for (const release of ['sqlite', 'postgresql', 'kplug']) {
      await helm('uninstall', release, '--namespace', this.namespace, '--ignore-not-found', '--wait');
    }
    await kubectl('delete', 'namespace', this.namespace, '--timeout=120s');
  }

  async #install(release: string, chart: string, values: string, settings: readonly string[]): Promise<void> {
    const set = settings.flatMap((setting) => ['--set', setting]);
    const where = ['--namespace', this.namespace, '--wait', '--timeout=2m'];
    await helm('upgrade', '--install', release, inRepository(`charts/${chart}`), ...where, '--values', values, ...set);
  }
}

/** Does something again and again, until what goes on beside it has ended. Returns how often. */
export async function meanwhile(
  beside: () => Promise<void>,
  again: (round: number) => Promise<unknown>,
): Promise<number> {
  let going = true;
  const ended = beside().finally(() => {
    going = false;
  });
  let round = 0;
  try {
    while (going) await again(++round);
  } finally {
    await ended;
  }
  return round;
}
