import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, type LeaseOptions, MemoryResources, type Resource } from '@kplug/controller';
import { pino } from 'pino';
import { serveCommands, sharedNow, usage } from './commands.ts';
import { apiVersion, kind, tableManifest } from './tables.ts';

const resources = new MemoryResources();
let controller: Controller | undefined;
let lastHeardOfGone = Number.NaN;

/** What some passes took, in milliseconds. */
interface Took {
  time: number;
  cpu: number;
}

/** How many of the resources change, and in which edit they are. */
interface Change {
  count: number;
  edit: number;
}

/** An operator whose resources are in memory. */
const commands = {
  /** Starts, and returns where plugins beat to. */
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

  /** Fulfilled when a plugin's instance is registered. */
  async awaitInstance(instanceId: string): Promise<void> {
    while (running().registry.get(instanceId)?.state !== 'live') await sleep(2);
  },

  /** Makes or edits resources, so that their passes have something to write. */
  edit: ({ count, edit }: Change): Promise<Took> =>
    timed(() => {
      for (let index = 0; index < count; index++) resources.apply(tableManifest(index, edit));
    }),

  /** Labels resources anew, which a plugin should see, but which changes nothing in their status. */
  label: ({ count, edit, label }: Change & { label: number }): Promise<Took> =>
    timed(() => {
      for (let index = 0; index < count; index++) {
        resources.apply(tableManifest(index, edit, { label: String(label) }));
      }
    }),

  /** Fulfilled when all resources are ready, by a plugin. */
  async settledOn(plugin: string): Promise<void> {
    while (!resources.list({ apiVersion, kind }).every((table) => isReadyBy(table, plugin))) await sleep(2);
  },

  /** One of the resources, as it is sent to plugins. */
  sample: () => resources.list({ apiVersion, kind })[0],

  /** When the instance that went last had been heard last. */
  lastHeardOfGone: () => lastHeardOfGone,
};

export type OperatorCommands = typeof commands;

serveCommands(commands);

function running(): Controller {
  if (!controller) throw new Error('the operator was not started');
  return controller;
}

/** What it takes until all resources that a change concerns have had their pass. The change itself isn't counted. */
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
