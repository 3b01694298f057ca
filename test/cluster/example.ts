import { expect, vi } from 'vitest';
import { kubectl } from './commands.ts';
import { DeployedNamespace, inRepository, type Pod } from './deployed-namespace.ts';

const deploy = (file: string) => inRepository(`examples/database-table/deploy/${file}`);

// The kernel ignores SIGKILL to the first process of a container from inside it, so the script exits the process by its debugger.
const crashScript = `
process.kill(1, 'SIGUSR1');
let target;
while (!target) {
  target = await fetch('http://127.0.0.1:9229/json').then((answer) => answer.json(), () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const socket = new WebSocket(target[0].webSocketDebuggerUrl);
// Delayed, as an exiting process waits for the debugger to disconnect.
const params = { expression: 'setTimeout(() => process.reallyExit(1), 200)' };
socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
socket.onmessage = () => socket.close();
socket.onclose = () => process.exit();
`;

/** Fields of a table that the tests use. */
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

/** The example, deployed to a separate namespace with the files that its README names. */
export class DeployedExample extends DeployedNamespace {
  /** Loads the images that `pnpm build:image` built, and creates the definitions and the namespace. */
  async prepare(): Promise<void> {
    await this.load('operator', 'database-table-sqlite', 'database-table-postgresql', 'postgresql-server');
    await kubectl('apply', '--server-side', '--force-conflicts', '--filename', deploy('crds.yaml'));
    await this.create();
  }

  /** Installs or upgrades the operator, for this namespace only, and waits until it runs. */
  operator(...settings: string[]): Promise<void> {
    return this.installOperator(deploy('operator-values.yaml'), ...settings);
  }

  /** Installs or upgrades a plugin, and waits until it runs. */
  async plugin(name: 'sqlite' | 'postgresql', ...settings: string[]): Promise<void> {
    const own = [`controller=kplug.${this.namespace}.svc:50050`, ...settings];
    await this.install(name, 'kplug-plugin', deploy(`${name}-values.yaml`), own);
  }

  /** Starts the example's PostgreSQL, and waits until it runs. */
  async postgres(): Promise<void> {
    await this.kubectl('apply', '--filename', deploy('postgresql-server.yaml'));
    await this.kubectl('rollout', 'status', 'deployment/postgresql-server', '--timeout=120s');
  }

  table(name: string): Promise<Table> {
    return this.get<Table>('databasetable', name);
  }

  /** Waits until a plugin has made the current generation of a table ready. */
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

  /** Changes the plugin that a table prefers. */
  async preferPlugin(name: string, preferredImplementation: string): Promise<void> {
    const patch = JSON.stringify({ spec: { preferredImplementation } });
    await this.kubectl('patch', 'databasetable', name, '--type=merge', `--patch=${patch}`);
  }

  /** Returns the columns in the database of a table with a name prefix. */
  async columns(name: string, prefix: string): Promise<string[]> {
    const { status } = await this.table(name);
    return (status?.table?.columns ?? []).map((column) => column.name).filter((column) => column.startsWith(prefix));
  }

  /** Returns the Events of a table, one per line. Their names make the lines unique. */
  async eventsOf(name: string): Promise<string[]> {
    const line = '{.metadata.name} {.type} {.reason} {.note}{"\\n"}';
    const template = `{range .items[?(@.regarding.name=="${name}")]}${line}{end}`;
    const lines = await this.kubectl('get', 'events.events.k8s.io', `--output=jsonpath=${template}`);
    return lines.split('\n').filter(Boolean);
  }

  /** Crashes the process in a pod without a shutdown, and waits until it has been restarted. */
  async crash(pod: string): Promise<void> {
    const restarts = async () => {
      const { status } = await this.get<Pod>('pod', pod);
      return status.containerStatuses?.[0]?.restartCount ?? 0;
    };
    const before = await restarts();
    const exec = this.kubectl('exec', pod, '--', 'node', '--input-type=module', '--eval', crashScript);
    // The command fails, as it ends with the container. The restart count is the proof.
    await exec.catch(() => undefined);
    await vi.waitFor(async () => expect(await restarts(), `restarts of ${pod}`).toBe(before + 1), {
      timeout: 30_000,
      interval: 100,
    });
  }

  /** Removes everything except the definitions. */
  override async remove(): Promise<void> {
    await this.kubectl('delete', 'databasetables', '--all', '--timeout=60s');
    await super.remove();
  }
}

/** Repeats an action until a concurrent operation has ended. Returns the number of repetitions. */
export async function meanwhile(
  operation: () => Promise<void>,
  action: (round: number) => Promise<unknown>,
): Promise<number> {
  let running = true;
  const ended = operation().finally(() => {
    running = false;
  });
  let round = 0;
  try {
    while (running) await action(++round);
  } finally {
    await ended;
  }
  return round;
}
