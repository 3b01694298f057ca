import { Child } from '../child.ts';
import type { BareCallerCommands } from '../processes/bare-caller.ts';
import type { OperatorCommands } from '../processes/operator.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import type { Comparison, Report, Series } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';

/** Default concurrency of a delegation. */
const atOnce = 32;

const ways = {
  changed: 'passes that write a status',
  unchanged: 'passes without changes',
  bytes: 'grpc-js alone',
  messages: "Kplug's client alone",
} as const;

type Way = keyof typeof ways;

/** Measurements, by round. */
type Rounds = Record<Way, { rate: number[]; cpu: number[] }>;

/** Passes per second with a plugin that does nothing. */
export const passes: Scenario = {
  name: 'passes',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [100, 1_000] : [1_000, 10_000, 100_000];
    const [main = 0] = quick ? sizes : sizes.slice(1);
    const rounds = quick ? 2 : 3;
    const count = quick ? 300 : 5_000;
    const measured = new Map<number, Rounds>();
    for (const resources of sizes) {
      progress(`${resources} resources`);
      measured.set(resources, await measure(resources, rounds, count));
    }
    const found = measured.get(main);
    if (!found) throw new Error(`nothing was measured with ${main} resources`);
    return {
      name: 'passes',
      title: 'Passes per second',
      method: `An operator has ${main.toLocaleString('en')} resources in memory; a plugin that does nothing runs in its own process on the same
machine. A pass gathers, selects, calls the plugin, validates its response and reports. An edit triggers a pass that writes a status, a
change of a label a pass without changes. The peers call the same plugin with the same payload from another process, with ${atOnce} concurrent
calls too: grpc-js with encoded requests and undecoded responses, and Kplug's client with messages.`,
      comparisons: comparisonsOf(found),
      growth: [
        growthOf(measured, 'rate', 'Passes per second by number of resources', 'passes/s'),
        growthOf(measured, 'cpu', 'CPU time of the caller for each pass or call', 'µs'),
      ],
      notes: [
        `The process of the plugin, with Kplug's SDK, needs CPU time too. On two CPUs, which it shares with the operator and other load, the CPU
time of a pass is more significant than the rate.`,
      ],
    };
  },
};

/** Starts the processes with many resources, and measures a number of passes or calls of each in turn. */
async function measure(resources: number, rounds: number, count: number): Promise<Rounds> {
  await using operator = new Child<OperatorCommands>(new URL('../processes/operator.ts', import.meta.url));
  await using plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  await using caller = new Child<BareCallerCommands>(new URL('../processes/bare-caller.ts', import.meta.url));
  const controller = await operator.ask('start', {});
  const address = await plugin.ask('serve', { controller, name: 'Preferred', instanceId: 'preferred' });
  await operator.ask('awaitInstance', 'preferred');
  await operator.ask('edit', { count: resources, edit: 0 });
  const resource = await operator.ask('sample');
  if (!resource) throw new Error('there are no resources');
  await caller.ask('connect', { address, resource });

  let edit = 0;
  let label = 0;
  const slice = Math.min(resources, count);
  const turns = Math.ceil(count / slice);
  const steps: Record<Way, () => Promise<{ time: number; cpu: number }>> = {
    changed: () => operator.ask('edit', { count: slice, edit: ++edit }),
    unchanged: () => operator.ask('label', { count: slice, edit, label: ++label }),
    bytes: () => caller.ask('call', { way: 'bytes', count: slice, atOnce }),
    messages: () => caller.ask('call', { way: 'messages', count: slice, atOnce }),
  };
  const found: Rounds = {
    changed: { rate: [], cpu: [] },
    unchanged: { rate: [], cpu: [] },
    bytes: { rate: [], cpu: [] },
    messages: { rate: [], cpu: [] },
  };
  // An additional first round, for the compilers.
  for (let round = -1; round < rounds; round++) {
    for (const way of Object.keys(steps) as Way[]) {
      const callsBefore = await plugin.ask('calls');
      let time = 0;
      let cpu = 0;
      for (let turn = 0; turn < turns; turn++) {
        const took = await steps[way]();
        time += took.time;
        cpu += took.cpu;
      }
      const calls = (await plugin.ask('calls')) - callsBefore;
      if (calls < turns * slice) throw new Error(`the plugin was called ${calls} times, not ${turns * slice}`);
      if (round < 0) continue;
      found[way].rate.push((turns * slice * 1_000) / time);
      found[way].cpu.push((cpu * 1_000) / (turns * slice));
    }
  }
  await operator.ask('settledOn', 'Preferred');
  return found;
}

function comparisonsOf(found: Rounds): Comparison[] {
  const compare = (way: Way, peer: Way, key: 'rate' | 'cpu'): Comparison => ({
    what: key === 'rate' ? ways[way] : `CPU time: ${ways[way]}`,
    unit: key === 'rate' ? 'passes/s' : 'µs',
    figure: median(found[way][key]),
    peer: { what: ways[peer], figure: median(found[peer][key]) },
    ratio: medianRatio(found[way][key], found[peer][key]),
  });
  const goal = { of: 'figure', is: 'at least', value: 5_000 } as const;
  return [
    { ...compare('changed', 'bytes', 'rate'), goal },
    { ...compare('unchanged', 'bytes', 'rate'), goal },
    compare('changed', 'messages', 'rate'),
    compare('changed', 'bytes', 'cpu'),
    compare('unchanged', 'bytes', 'cpu'),
    compare('messages', 'bytes', 'cpu'),
  ];
}

function growthOf(measured: Map<number, Rounds>, key: 'rate' | 'cpu', title: string, cost: string) {
  const series = (Object.keys(ways) as Way[]).map(
    (way): Series => ({
      what: ways[way],
      isPeer: way === 'bytes' || way === 'messages',
      points: [...measured].map(([work, rounds]) => ({ work, cost: median(rounds[way][key]) })),
    }),
  );
  return { name: key, title, work: 'resources', cost, scale: 'linear' as const, series };
}
