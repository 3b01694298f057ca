import { setTimeout as pause } from 'node:timers/promises';
import { Controller } from '@kplug/controller';
import { registryOf } from '@kplug/controller/internal';
import { MemoryResources } from '@kplug/controller/memory';
import { pino } from 'pino';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const [options = '{}'] = process.argv.slice(2);
const apiVersion = 'myorg.org/v1alpha1';
const key = `${apiVersion}/Table/default/honest`;

let lines = 0;
let longestLine = 0;
const lastLines: string[] = [];
const write = (line: string) => {
  lines++;
  longestLine = Math.max(longestLine, line.length);
  lastLines.push(line);
  if (lastLines.length > 200) lastLines.shift();
};

const pluginNames = new Set<string>();
let pluginWrites = 0;
const resources = new MemoryResources();
const services = {
  plugins: {
    list: async () => [],
    save: async ({ name }: { name: string }) => {
      pluginNames.add(name);
      pluginWrites++;
    },
    remove: async () => undefined,
  },
};

const controller = new Controller({
  lease: { interval: 1_000, ttl: 10_000 },
  heartbeatAddress: '127.0.0.1:0',
  adminAddress: '127.0.0.1:0',
  ...JSON.parse(options),
  resources: Object.assign(resources, { services }),
  delegations: [
    {
      name: 'tables',
      base: { apiVersion, kind: 'Table' },
      api: 'Table@^1.0.0',
      minRequeueInterval: 10,
    },
  ],
  logger: pino({ level: 'info' }, { write }),
});
await controller.start();
const registry = registryOf(controller);
let changes = 0;
registry.subscribe(() => changes++);

let generation = 0;
async function change(): Promise<void> {
  generation++;
  const spec = { preferredImplementation: 'Honest', generation };
  resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'honest' }, spec });
  while (JSON.stringify(resources.get(key)?.status?.seen) !== JSON.stringify(spec)) await pause(5);
}

async function metrics(): Promise<string> {
  return (await fetch(`http://${controller.adminAddress}/metrics`)).text();
}

let endMeasuring = Promise.withResolvers<void>();
const measure = () => {
  endMeasuring = Promise.withResolvers();
  const { promise } = endMeasuring;
  return longestBlock(() => promise);
};
let measuring = measure();

async function state() {
  endMeasuring.resolve();
  const block = (await measuring) / unitOfWork();
  globalThis.gc?.();
  const text = await metrics();
  const reconciles = Number(/controller_runtime_reconcile_time_seconds_count\{.*\} (\d+)/.exec(text)?.[1] ?? 0);
  const series = text.split('\n').filter((line) => line && !line.startsWith('#')).length;
  const { heapUsed, external } = process.memoryUsage();
  const memory = (heapUsed + external) / 2 ** 20;
  const instances = registry.size;
  const found = { memory, instances, changes, lines, longestLine, lastLines, pluginWrites, reconciles, series, block };
  measuring = measure();
  return { ...found, pluginNames: pluginNames.size };
}

process.on('message', async (message) => {
  if (message === 'change') await change().then(() => process.send?.('changed'));
  else process.send?.(await state());
});
process.send?.({ heartbeat: controller.heartbeatAddress, admin: controller.adminAddress });
