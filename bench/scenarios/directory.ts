import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../child.ts';
import type { DirectoryCommands } from '../processes/directory.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import type { Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';

/** Cost of a directory in one round, for some number of resources. */
interface Round {
  /** Time from opening the directory until a plugin has been called for all resources, in milliseconds. */
  called: number;
  /** Memory of the operator for each resource, in KiB. */
  memory: number;
  /** Time of two durable writes for each resource, in milliseconds. */
  stored: number;
  /** The same with a synced file for each resource. */
  storedInFiles: number;
}

/** Resources in a directory: time until all are called, and durable writes of their states. */
export const directory: Scenario = {
  name: 'directory',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [10, 100] : [100, 1_000, 10_000];
    const measured = new Map<number, Round[]>();
    for (const size of sizes) {
      const rounds = quick ? 1 : 3;
      const found: Round[] = [];
      for (let round = 0; round < rounds; round++) {
        progress(`${size.toLocaleString('en')} resources, round ${round + 1} of ${rounds}`);
        found.push(await measure(size));
      }
      measured.set(size, found);
    }
    return report(measured);
  },
};

async function measure(count: number): Promise<Round> {
  const { called, memory } = await measureCalls(count);
  const module = new URL('../processes/directory.ts', import.meta.url);
  await using child = new Child<DirectoryCommands>(module);
  await child.ask('make', count);
  const storedInFiles = await child.ask('storeInFiles', count);
  const stored = await child.ask('store', count);
  await child.ask('remove');
  return { called, memory, stored, storedInFiles };
}

async function measureCalls(count: number): Promise<Pick<Round, 'called' | 'memory'>> {
  const module = new URL('../processes/directory.ts', import.meta.url);
  await using child = new Child<DirectoryCommands>(module, { execArgv: ['--expose-gc'] });
  await using plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  await child.ask('make', count);
  // Resolves when the process of the plugin has loaded its modules.
  await plugin.ask('calls');
  const { address: controller, startedAt, memory } = await child.ask('start');
  await plugin.ask('serve', {
    controller,
    name: 'Preferred',
    instanceId: 'preferred',
    recording: true,
    reporting: true,
  });
  while ((await plugin.ask('calls')) < count) await sleep(5);
  const calls = (await plugin.ask('arrivals')).map(({ at }) => at);
  const after = await child.ask('settle');
  await child.ask('stop');
  await child.ask('remove');
  const last = calls.reduce((latest, at) => Math.max(latest, at), 0);
  return { called: last - startedAt, memory: (after - memory) / count / 1_024 };
}

/** Goals for the time until all resources are called, in milliseconds. */
const goals = new Map([
  [1_000, 1_500],
  [10_000, 10_000],
]);

const peer = 'a synced file for each';

function report(measured: ReadonlyMap<number, readonly Round[]>): Report {
  const [largest = 0] = [...measured.keys()].slice(-1);
  const rounds = measured.get(largest) ?? [];
  const stored = rounds.map((round) => round.stored);
  const inFiles = rounds.map((round) => round.storedInFiles);
  const calls = [...measured].map(([count, found]) => {
    const value = goals.get(count);
    return {
      what: `${count.toLocaleString('en')} resources until all are called`,
      unit: 'ms',
      figure: median(found.map(({ called }) => called)),
      ...(value !== undefined && { goal: { of: 'figure', is: 'at most', value } as const }),
    };
  });
  const series = (what: string, isPeer: boolean, of: (round: Round) => number) => ({
    what,
    isPeer,
    points: [...measured].map(([work, found]) => ({ work, cost: median(found.map(of)) })),
  });
  return {
    name: 'directory',
    title: 'Resources in a directory',
    method: `Each resource is in a file of its own. A controller opens the directory while the process of a plugin has already started; the
time counts from there to the last of the first calls. Memory is that of the process with the controller, when it is idle again, for each of
${largest.toLocaleString('en')} resources. The durable writes are those of a pass, a finalizer and a status for each resource, by 32 passes
at a time; Kplug appends them to a journal and syncs it once for all that wait. The peer writes, syncs and renames a file for each state, by
32 at a time. Figures are medians.`,
    comparisons: [
      ...calls,
      {
        what: `memory for each of ${largest.toLocaleString('en')} resources`,
        unit: 'KiB',
        figure: median(rounds.map(({ memory }) => memory)),
        goal: { of: 'figure', is: 'at most', value: 30 },
      },
      {
        what: `two durable writes of ${largest.toLocaleString('en')} resources`,
        unit: 'ms',
        figure: median(stored),
        peer: { what: peer, figure: median(inFiles) },
        ratio: medianRatio(stored, inFiles),
      },
    ],
    growth: [
      {
        name: 'time',
        title: 'Time by number of resources, each in a file',
        work: 'resources',
        cost: 'ms',
        scale: 'logarithmic',
        series: [
          series('until all are called', false, ({ called }) => called),
          series('two durable writes for each', false, (round) => round.stored),
          series(`two durable writes for each: ${peer}`, true, (round) => round.storedInFiles),
        ],
      },
    ],
    notes: [],
  };
}
