import { Child } from '../child.ts';
import type { RegistryCommands } from '../processes/registry.ts';
import type { Growth, Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

const keepers = ['registry', 'map'] as const;

type Found = Record<(typeof keepers)[number], Map<number, number>>;

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
      for (const keeper of keepers) {
        progress(`${instances} instances in the ${keeper}`);
        heap[keeper].set(instances, await inFreshProcess((child) => child.ask('heap', { keeper, instances })));
        const times = await inFreshProcess((child) => child.ask('expire', { keeper, instances, expiring, rounds }));
        expiry[keeper].set(instances, median(times));
      }
    }
    const bytes = at(heap.registry, most);
    const time = at(expiry.registry, most);
    return {
      name: 'registry',
      title: 'Many instances in the registry',
      method: `Instances registered from their protobuf bytes, with strings of their own each, of a hundred versions of plugins.
The heap is what is in use after a collection, in a fresh process. For the expiry, 1,000 instances of a number expire at
once while the others have beaten; the median of ${rounds} rounds. The peer is a \`Map\` of decoded messages that is looked
through for what has expired: it knows neither which plugins there are for an API, nor sessions or states.`,
      comparisons: [
        {
          what: `heap for each of ${most.toLocaleString('en')} instances`,
          unit: 'bytes',
          figure: bytes,
          peer: { what: 'a `Map` of messages', figure: at(heap.map, most) },
          ratio: bytes / at(heap.map, most),
          goal: { of: 'figure', is: 'below', value: 2_048 },
        },
        {
          what: `1,000 of ${most.toLocaleString('en')} instances expire`,
          unit: 'ms',
          figure: time,
          peer: { what: 'a `Map` looked through', figure: at(expiry.map, most) },
          ratio: time / at(expiry.map, most),
        },
        {
          what: `the same, beside 1,000 of 1,000`,
          unit: 'ms',
          figure: time,
          peer: { what: '1,000 of 1,000 in the registry', figure: at(expiry.registry, 1_000) },
          ratio: time / at(expiry.registry, 1_000),
        },
      ],
      growth: [
        growth('heap', 'Heap for each instance by their number', 'bytes', 'linear', heap, {
          what: 'goal',
          value: 2_048,
        }),
        growth('expiry', 'Time in which 1,000 instances expire, by the number there are', 'ms', 'logarithmic', expiry),
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
      { what: 'the registry', isPeer: false, points: points(found.registry) },
      { what: 'a Map', isPeer: true, points: points(found.map) },
    ],
    ...(goal ? { goal } : {}),
  };
}

function at(costs: Map<number, number>, instances: number): number {
  const cost = costs.get(instances);
  if (cost === undefined) throw new Error(`nothing was measured with ${instances} instances`);
  return cost;
}
