import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, type LeaseOptions, type Resource } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { pino } from 'pino';
import { serveCommands, sharedNow, usage } from './commands.ts';
import { apiVersion, kind, tableManifest } from './tables.ts';

const resources = new MemoryResources();
let controller: Controller | undefined;
let lastHeardOfGone = Number.NaN;

/** Time of some passes, in milliseconds. */
interface Took {
  time: number;
  cpu: number;
}

/** Number of resources that change, and the number of the edit. */
interface Change {
  count: number;
  edit: number;
}

/** Operator with resources in memory. */
const commands = {
  /** Starts. Returns the address for heartbeats. */
  async start({ lease }: { lease?: LeaseOptions }): Promise<string> {
    controller = new Controller({
      resources,
      delegations: [{ name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' }],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger: pino({ level: 'silent' }),
      ...(lease ? { lease } : {}),
    });
    await controller.start();
    controller.registry.subscribe(({ instance }) => {
      if (instance.state === 'gone') lastHeardOfGone = sharedNow() - Date.now() + instance.lastHeardAt;
    });
    return controller.heartbeatAddress;
  },

  /** Resolves when an instance is registered. */
  async awaitInstance(instanceId: string): Promise<void> {
    while (running().registry.get(instanceId)?.state !== 'live') await sleep(2);
  },

  /** Creates or edits resources, so that their passes write a status. */
  edit: ({ count, edit }: Change): Promise<Took> =>
    timed(() => {
      for (let index = 0; index < count; index++) resources.apply(tableManifest(index, edit));
    }),

  /** Changes a label of resources, which triggers passes that don't change their status. */
  label: ({ count, edit, label }: Change & { label: number }): Promise<Took> =>
    timed(() => {
      for (let index = 0; index < count; index++) {
        resources.apply(tableManifest(index, edit, { label: String(label) }));
      }
    }),

  /** Resolves when all resources are ready with a plugin. */
  async settledOn(plugin: string): Promise<void> {
    while (!resources.list({ apiVersion, kind }).every((table) => isReadyBy(table, plugin))) await sleep(2);
  },

  /** Returns a resource as it is sent to plugins. */
  sample: () => resources.list({ apiVersion, kind })[0],

  /** Time of the last heartbeat of the instance that was removed last. */
  lastHeardOfGone: () => lastHeardOfGone,
};

export type OperatorCommands = typeof commands;

serveCommands(commands);

function running(): Controller {
  if (!controller) throw new Error('the operator was not started');
  return controller;
}

/** Measures the time until all changed resources have had their pass, without the change itself. */
async function timed(change: () => void): Promise<Took> {
  change();
  const before = usage();
  await running().whenIdle();
  const after = usage();
  return { time: after.at - before.at, cpu: after.cpu - before.cpu };
}

function isReadyBy({ metadata, status }: Resource, plugin: string): boolean {
  if (status?.implementation !== plugin || status.observedGeneration !== metadata.generation) return false;
  const conditions = (status.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
}
