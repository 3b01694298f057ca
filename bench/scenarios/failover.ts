import { Child } from '../child.ts';
import type { BareCallerCommands } from '../processes/bare-caller.ts';
import { sharedNow } from '../processes/commands.ts';
import type { OperatorCommands } from '../processes/operator.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import type { Report, Series } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

const lease = { interval: 200, ttl: 1_000 };

/** Times after a plugin was killed or stopped, by round, in milliseconds. */
interface Rounds {
  /** Time until the fallback was called for the first resource, and for the last one. */
  first: number[];
  last: number[];
  /** Time until a bare stream had broken and a bare call had reached the fallback; or from the end of the lease to the first call. */
  other: number[];
}

const none: Rounds = { first: [], last: [], other: [] };

/** Time until a fallback is called after a plugin was killed or stopped. */
export const failover: Scenario = {
  name: 'failover',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [1, 10] : [1, 10, 100];
    const killed = new Map<number, Rounds>();
    const silent = new Map<number, Rounds>();
    for (const resources of sizes) {
      progress(`a plugin with ${resources} resources is killed`);
      killed.set(resources, await killRounds(resources, quick ? 1 : resources === 1 ? 9 : 5));
      progress(`a plugin with ${resources} resources is stopped`);
      silent.set(resources, await silentRounds(resources, quick ? 1 : resources === 1 ? 5 : 3));
    }
    return report(killed, silent);
  },
};

/** Processes of the benchmark. */
class Stage implements AsyncDisposable {
  readonly operator = new Child<OperatorCommands>(new URL('../processes/operator.ts', import.meta.url));
  readonly fallback = newPlugin();
  readonly #resources: number;
  controller = '';
  fallbackAddress = '';

  constructor(resources: number) {
    this.#resources = resources;
  }

  async start(options: Parameters<OperatorCommands['start']>[0]): Promise<void> {
    this.controller = await this.operator.ask('start', options);
    this.fallbackAddress = await this.fallback.ask('serve', {
      controller: this.controller,
      name: 'Fallback',
      instanceId: 'fallback',
      recording: true,
    });
    await this.operator.ask('awaitInstance', 'fallback');
    await this.operator.ask('edit', { count: this.#resources, edit: 0 });
  }

  /** Starts the preferred plugin, and waits until it has all resources. */
  async startPreferred(instanceId: string): Promise<{ plugin: Child<PluginCommands>; address: string }> {
    const plugin = newPlugin();
    const address = await plugin.ask('serve', { controller: this.controller, name: 'Preferred', instanceId });
    await this.operator.ask('settledOn', 'Preferred');
    await this.fallback.ask('arrivals');
    return { plugin, address };
  }

  /** Waits until the fallback has all resources. Returns the times of its calls. */
  async takenOver(): Promise<{ first: number; last: number; bare: number }> {
    await this.operator.ask('settledOn', 'Fallback');
    const arrivals = await this.fallback.ask('arrivals');
    const tables = arrivals.filter(({ name }) => name !== bare.metadata.name).map(({ at }) => at);
    if (tables.length < this.#resources) throw new Error(`the fallback was called ${tables.length} times only`);
    const bareAt = arrivals.find(({ name }) => name === bare.metadata.name)?.at ?? Number.NaN;
    return { first: Math.min(...tables), last: Math.max(...tables), bare: bareAt };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator[Symbol.asyncDispose]();
    await this.fallback[Symbol.asyncDispose]();
  }
}

/** Resource of the calls without an operator. */
const bare = { metadata: { name: 'bare', uid: '', generation: 1, resourceVersion: '', creationTimestamp: '' } };

function newPlugin(): Child<PluginCommands> {
  return new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
}

async function killRounds(resources: number, rounds: number): Promise<Rounds> {
  const found = structuredClone(none);
  await using stage = new Stage(resources);
  await stage.start({});
  await using caller = new Child<BareCallerCommands>(new URL('../processes/bare-caller.ts', import.meta.url));
  await caller.ask('connect', { address: stage.fallbackAddress, resource: bare });
  for (let round = 0; round < rounds; round++) {
    const { plugin, address } = await stage.startPreferred(`preferred-${round}`);
    await using preferred = plugin;
    await caller.ask('callWhenBroken', address);
    const killedAt = sharedNow();
    preferred.signal('SIGKILL');
    const { first, last, bare: bareAt } = await stage.takenOver();
    found.first.push(first - killedAt);
    found.last.push(last - killedAt);
    found.other.push(bareAt - killedAt);
  }
  return found;
}

async function silentRounds(resources: number, rounds: number): Promise<Rounds> {
  const found = structuredClone(none);
  await using stage = new Stage(resources);
  await stage.start({ lease });
  const { plugin } = await stage.startPreferred('preferred');
  await using preferred = plugin;
  for (let round = 0; round < rounds; round++) {
    const stoppedAt = sharedNow();
    preferred.signal('SIGSTOP');
    const { first, last } = await stage.takenOver();
    found.first.push(first - stoppedAt);
    found.last.push(last - stoppedAt);
    found.other.push(first - (await stage.operator.ask('lastHeardOfGone')) - lease.ttl);
    preferred.signal('SIGCONT');
    await stage.operator.ask('settledOn', 'Preferred');
    await stage.fallback.ask('arrivals');
  }
  return found;
}

function report(killed: Map<number, Rounds>, silent: Map<number, Rounds>): Report {
  const one = killed.get(1) ?? none;
  const still = silent.get(1) ?? none;
  const line = (what: string, found: Map<number, Rounds>, key: keyof Rounds, isPeer = false): Series => ({
    what,
    isPeer,
    points: [...found].map(([work, rounds]) => ({ work, cost: median(rounds[key]) })),
  });
  const bareIs = 'bare grpc-js stream and call';
  const killGoal = { of: 'figure', is: 'below', value: 100 } as const;
  const silentGoal = { of: 'figure', is: 'below', value: lease.ttl + 100 } as const;
  const growth = { work: 'resources', cost: 'ms' } as const;
  return {
    name: 'failover',
    title: 'Time from the failure of a plugin to the call of its fallback',
    method: `Two plugins run in their own processes, and all resources prefer one of them. The preferred one is killed (SIGKILL, ${one.first.length}
times) or stopped (SIGSTOP, ${still.first.length} times, with a lease of ${lease.ttl} ms and a heartbeat every ${lease.interval} ms). The
benchmark measures the time until the fallback receives a call. The peer for SIGKILL is a bare grpc-js stream to the same process, followed
by a bare call of the same fallback when the stream breaks. The peer for SIGSTOP is the lease itself.`,
    comparisons: [
      {
        what: 'SIGKILL: median',
        unit: 'ms',
        figure: median(one.first),
        peer: { what: bareIs, figure: median(one.other) },
        ratio: median(one.first) / median(one.other),
        goal: killGoal,
      },
      {
        what: 'SIGKILL: maximum',
        unit: 'ms',
        figure: Math.max(...one.first),
        peer: { what: bareIs, figure: Math.max(...one.other) },
        ratio: Math.max(...one.first) / Math.max(...one.other),
        goal: killGoal,
      },
      {
        what: 'SIGSTOP: median',
        unit: 'ms',
        figure: median(still.first),
        peer: { what: 'lease', figure: lease.ttl },
        ratio: median(still.first) / lease.ttl,
        goal: silentGoal,
      },
      {
        what: 'SIGSTOP: maximum',
        unit: 'ms',
        figure: Math.max(...still.first),
        peer: { what: 'lease', figure: lease.ttl },
        ratio: Math.max(...still.first) / lease.ttl,
        goal: silentGoal,
      },
      { what: 'SIGSTOP: maximum, from the end of the lease', unit: 'ms', figure: Math.max(...still.other) },
    ],
    growth: [
      {
        ...growth,
        name: 'killed',
        title: 'Time from SIGKILL to the calls of the fallback',
        scale: 'logarithmic',
        series: [
          line('call for the last resource', killed, 'last'),
          line('call for the first resource', killed, 'first'),
          line(bareIs, killed, 'other', true),
        ],
        goal: { what: 'goal', value: killGoal.value },
      },
      {
        ...growth,
        name: 'silent',
        title: 'Time from SIGSTOP to the calls of the fallback',
        scale: 'linear',
        series: [
          line('call for the last resource', silent, 'last'),
          line('call for the first resource', silent, 'first'),
        ],
        goal: { what: 'goal', value: silentGoal.value },
      },
    ],
    notes: [
      `A stopped plugin sent its last heartbeat up to ${lease.interval} ms before, so its lease may expire that much earlier than
${lease.ttl} ms after SIGSTOP.`,
    ],
  };
}
