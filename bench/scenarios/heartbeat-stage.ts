import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../child.ts';
import type { LoadCommands } from '../processes/heartbeat-load.ts';
import type { HeardCommands } from '../processes/heartbeat-server.ts';
import { makeServerTls } from '../processes/server-tls.ts';
import { median } from '../statistics.ts';

/** Server under test, and its load. */
export interface Contender {
  server: 'heartbeat-server' | 'raw-server' | 'grpc-server';
  way: 'unary' | 'session';
  /** True for TLS, and tokens of plugins. Not for `grpc-server`. */
  isSecured?: boolean;
  /** True if the raw server sends the trailers of gRPC. */
  trailers?: boolean;
  /** Number of processes that generate the load. */
  loadProcesses?: number;
}

/** Measurement of a contender in one round. */
export interface HeartbeatSample {
  /** Heartbeats per second. */
  rate: number;
  /** CPU time of the server for each heartbeat, in microseconds. */
  cpu: number;
  /** Share of the time in which the processes were busy. */
  serverShare: number;
  loadShare: number;
}

/** Measurements of a contender, by round. */
export type HeartbeatRounds = { [K in keyof HeartbeatSample]: number[] };

/** Measures several contenders with a number of instances, in sequence in each round, so that other load affects all of them. */
export async function measureHeartbeats<K extends string>(
  contenders: Readonly<Record<K, Contender>>,
  names: readonly K[],
  instances: number,
  quick: boolean,
): Promise<Partial<Record<K, HeartbeatRounds>>> {
  const rounds = quick ? 1 : 5;
  const duration = quick ? 100 : 1_000;
  await using stages = new AsyncDisposableStack();
  const ready: { name: K; stage: HeartbeatStage; found: HeartbeatRounds }[] = [];
  for (const name of names) {
    const stage = stages.use(new HeartbeatStage(contenders[name]));
    await stage.connect(instances);
    await stage.measure(duration);
    ready.push({ name, stage, found: { rate: [], cpu: [], serverShare: [], loadShare: [] } });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { stage, found } of ready) {
      const { rate, cpu, serverShare, loadShare } = await stage.measure(duration);
      found.rate.push(rate);
      found.cpu.push(cpu);
      found.serverShare.push(serverShare);
      found.loadShare.push(loadShare);
    }
  }
  return Object.fromEntries(ready.map(({ name, found }) => [name, found])) as Partial<Record<K, HeartbeatRounds>>;
}

/** Formats the median of shares of time. */
export function formatShare(shares: readonly number[]): string {
  return `${Math.round(median(shares) * 100)} %`;
}

/** Processes of a contender. */
export class HeartbeatStage implements AsyncDisposable {
  readonly #contender: Contender;
  readonly #server: Child<HeardCommands>;
  readonly #loads: Child<LoadCommands>[];
  #port = 0;
  #secured: { ca: string; certificate: string } | undefined;

  constructor(contender: Contender) {
    this.#contender = contender;
    const { server, trailers, loadProcesses = 1 } = contender;
    const module = new URL(`../processes/${server}.ts`, import.meta.url);
    this.#server = new Child(module, { env: { BENCH_TRAILERS: trailers ? '1' : '' } });
    const load = new URL('../processes/heartbeat-load.ts', import.meta.url);
    this.#loads = Array.from({ length: loadProcesses }, () => new Child<LoadCommands>(load));
  }

  /** Connects a number of instances. */
  async connect(instances: number): Promise<void> {
    const tls = this.#contender.isSecured ? await makeServerTls() : undefined;
    this.#port = await this.#server.ask('listen', { tls });
    if (tls) this.#secured = { ca: tls.ca, certificate: new X509Certificate(tls.cert).raw.toString('base64') };
    await this.#askLoads('connect', instances);
  }

  /**
   * Disconnects all instances, and lets them connect again at once. Returns the number that are connected in a second, and the CPU time of
   * the server for each, in microseconds.
   */
  async reconnect(instances: number): Promise<{ rate: number; cpu: number }> {
    await Promise.all(this.#loads.map((load) => load.ask('disconnect')));
    const before = await this.#read();
    const times = await this.#askLoads('storm', instances);
    const after = await this.#read();
    if (after.server.refused > 0) throw new Error(`${after.server.refused} registrations were refused`);
    return {
      rate: (instances * 1_000) / Math.max(...times.map(Number)),
      cpu: ((after.server.cpu - before.server.cpu) * 1_000) / instances,
    };
  }

  /** Lets the instances send heartbeats for a time, in milliseconds. */
  async measure(duration: number): Promise<HeartbeatSample> {
    await Promise.all(this.#loads.map((load) => load.ask('start')));
    await sleep(duration / 10);
    const before = await this.#read();
    await sleep(duration);
    const after = await this.#read();
    await Promise.all(this.#loads.map((load) => load.ask('stop')));
    if (after.server.refused > 0) throw new Error(`${after.server.refused} heartbeats were refused`);
    const received = after.server.received - before.server.received;
    const cpu = after.server.cpu - before.server.cpu;
    const took = after.server.at - before.server.at;
    return {
      rate: (received / took) * 1_000,
      cpu: (cpu / received) * 1_000,
      serverShare: cpu / took,
      loadShare: (after.loadCpu - before.loadCpu) / took,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#server, ...this.#loads]) await child[Symbol.asyncDispose]();
  }

  #askLoads(command: 'connect' | 'storm', instances: number): Promise<(number | void)[]> {
    const each = Math.ceil(instances / this.#loads.length);
    const options = { port: this.#port, way: this.#contender.way, secured: this.#secured, instances: each };
    return Promise.all(this.#loads.map((load, index) => load.ask(command, { ...options, first: index * each })));
  }

  async #read() {
    const server = await this.#server.ask('received');
    const loads = await Promise.all(this.#loads.map((load) => load.usage()));
    return { server, loadCpu: loads.reduce((sum, { cpu }) => sum + cpu, 0) };
  }
}
