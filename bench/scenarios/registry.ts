import { Child } from '../child.ts';
import type { RegistryCommands } from '../processes/registry.ts';
import type { Growth, Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

const stores = ['registry', 'map'] as const;

type Found = Record<(typeof stores)[number], Map<number, number>>;

/** Cost of many instances. */
export const registry: Scenario = {
  name: 'registry',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000];
    const most = sizes.at(-1) ?? 0;
    const expiring = 1_000;
    const rounds = quick ? 5 : 25;
    const heap: Found = { registry: new Map(), map: new Map() };
    const expiry: Found = { registry: new Map(), map: new Map() };
    for (const instances of sizes) {
      for (const store of stores) {
        progress(`${instances} instances in the ${store}`);
        heap[store].set(instances, await inFreshProcess((child) => child.ask('heap', { store, instances })));
        const times = await inFreshProcess((child) => child.ask('expire', { store, instances, expiring, rounds }));
        expiry[store].set(instances, median(times));
      }
    }
    const bytes = at(heap.registry, most);
    const time = at(expiry.registry, most);
    return {
      name: 'registry',
      title: 'Registry with many instances',
      method: `Instances of a hundred versions of plugins are registered from their encoded messages, without shared strings. The heap is
measured after a garbage collection, in a new process. The expiry is that of 1,000 instances among a number of others that have sent
heartbeats; it is the median of ${rounds} rounds. The peer is a \`Map\` of decoded messages that is swept for expired ones. It has no
index of plugins by API, no sessions and no states.`,
      comparisons: [
        {
          what: `heap for each of ${most.toLocaleString('en')} instances`,
          unit: 'bytes',
          figure: bytes,
          peer: { what: '`Map` of messages', figure: at(heap.map, most) },
          ratio: bytes / at(heap.map, most),
          goal: { of: 'figure', is: 'below', value: 2_048 },
        },
        {
          what: `expiry of 1,000 of ${most.toLocaleString('en')} instances`,
          unit: 'ms',
          figure: time,
          peer: { what: 'sweep of a `Map`', figure: at(expiry.map, most) },
          ratio: time / at(expiry.map, most),
        },
        {
          what: `expiry of 1,000 of ${most.toLocaleString('en')} instances`,
          unit: 'ms',
          figure: time,
          peer: { what: 'expiry of 1,000 of 1,000', figure: at(expiry.registry, 1_000) },
          ratio: time / at(expiry.registry, 1_000),
        },
      ],
      growth: [
        growth('heap', 'Heap for each instance by number of instances', 'bytes', 'linear', heap, {
          what: 'goal',
          value: 2_048,
        }),
        growth('expiry', 'Time of the expiry of 1,000 instances by number of instances', 'ms', 'logarithmic', expiry),
      ],
      notes: [],
    };
  },
};

async function inFreshProcess<T>(work: (child: Child<RegistryCommands>) => Promise<T>): Promise<T> {
  await using child = new Child<RegistryCommands>(new URL('../processes/registry.ts', import.meta.url), {
    execArgv: ['--expose-gc'],
  });
  return await work(child);
}

function growth(
  name: string,
  title: string,
  cost: string,
  scale: Growth['scale'],
  found: Found,
  goal?: Growth['goal'],
): Growth {
  const points = (costs: Map<number, number>) => [...costs].map(([work, each]) => ({ work, cost: each }));
  return {
    name,
    title,
    work: 'instances',
    cost,
    scale,
    series: [
      { what: 'registry', isPeer: false, points: points(found.registry) },
      { what: 'Map', isPeer: true, points: points(found.map) },
    ],
    ...(goal ? { goal } : {}),
  };
}

function at(costs: Map<number, number>, instances: number): number {
  const cost = costs.get(instances);
  if (cost === undefined) throw new Error(`nothing was measured with ${instances} instances`);
  return cost;
}
