import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../child.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import type { PluginCallerCommands } from '../processes/plugin-caller.ts';
import { calledPlugin } from '../processes/tables.ts';
import { temporaryDirectory } from './operator-start.ts';

/** Default concurrency of a delegation. */
const atOnce = 32;

/** Measurement of some calls. */
interface CallSample {
  /** Calls per second. */
  rate: number;
  /** CPU time of the caller for each call, in microseconds. */
  cpu: number;
  /** CPU time of the plugin for each call, in microseconds. */
  pluginCpu: number;
}

/** Measurements of a way to call, by round. */
type Rounds = { [K in keyof CallSample]: number[] };

/** Ways to call: with the client of the operator, or with grpc-js alone. */
const ways = ['operator', 'bytes'] as const;
type Way = (typeof ways)[number];

/** Calls in plain text and by mTLS, by round. */
export type CallRounds = Record<'plain' | 'secured', Record<Way, Rounds>>;

/** Measures calls in plain text and by mTLS in turn. */
export async function measureCalls(quick: boolean): Promise<CallRounds> {
  const rounds = quick ? 1 : 7;
  const count = quick ? 300 : 10_000;
  await using plain = new CallStage(false);
  await using secured = new CallStage(true);
  const stages = { plain, secured };
  for (const stage of Object.values(stages)) await stage.connect();
  const none = (): Rounds => ({ rate: [], cpu: [], pluginCpu: [] });
  const found: CallRounds = {
    plain: { operator: none(), bytes: none() },
    secured: { operator: none(), bytes: none() },
  };
  // An additional first round, for the compilers.
  for (let round = -1; round < rounds; round++) {
    for (const way of ways) {
      for (const name of ['plain', 'secured'] as const) {
        const sample = await stages[name].measure(way, count);
        if (round >= 0) add(found[name][way], sample);
      }
    }
  }
  return found;
}

function add(rounds: Rounds, { rate, cpu, pluginCpu }: CallSample): void {
  rounds.rate.push(rate);
  rounds.cpu.push(cpu);
  rounds.pluginCpu.push(pluginCpu);
}

/** Client of the operator, and a plugin with the SDK in a process of its own. */
class CallStage implements AsyncDisposable {
  readonly #isSecured: boolean;
  readonly #caller = new Child<PluginCallerCommands>(new URL('../processes/plugin-caller.ts', import.meta.url));
  readonly #plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  readonly #resources = new AsyncDisposableStack();

  /** @param isSecured true for mTLS. */
  constructor(isSecured: boolean) {
    this.#isSecured = isSecured;
  }

  /** Starts the processes, and lets the plugin register. */
  async connect(): Promise<void> {
    const { path } = this.#resources.use(await temporaryDirectory());
    const folder = join(path, 'manifests');
    await mkdir(folder);
    const access = await this.#caller.ask('start', { isSecured: this.#isSecured, folder });
    await this.#plugin.ask('serve', { ...access, ...calledPlugin });
    await this.#caller.ask('awaitPlugin');
  }

  async measure(way: Way, count: number): Promise<CallSample> {
    const before = await this.#plugin.usage();
    const { time, cpu } = await this.#caller.ask('call', { way, count, atOnce });
    const after = await this.#plugin.usage();
    return {
      rate: (count * 1_000) / time,
      cpu: (cpu * 1_000) / count,
      pluginCpu: ((after.cpu - before.cpu) * 1_000) / count,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#caller, this.#plugin]) await child[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }
}
