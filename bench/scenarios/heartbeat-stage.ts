import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../child.ts';
import type { LoadCommands } from '../processes/heartbeat-load.ts';
import type { HeardCommands } from '../processes/heartbeat-server.ts';

/** Server under test, and its load. */
export interface Contender {
  server: 'heartbeat-server' | 'raw-server' | 'grpc-server';
  way: 'unary' | 'session';
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

/** Processes of a contender. */
export class HeartbeatStage implements AsyncDisposable {
  readonly #contender: Contender;
  readonly #server: Child<HeardCommands>;
  readonly #loads: Child<LoadCommands>[];

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
    const port = await this.#server.ask('listen');
    const each = Math.ceil(instances / this.#loads.length);
    await Promise.all(
      this.#loads.map((load, index) =>
        load.ask('connect', { port, way: this.#contender.way, first: index * each, instances: each }),
      ),
    );
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

  async #read() {
    const server = await this.#server.ask('received');
    const loads = await Promise.all(this.#loads.map((load) => load.usage()));
    return { server, loadCpu: loads.reduce((sum, { cpu }) => sum + cpu, 0) };
  }
}
