import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { definePlugin } from '@kplug/sdk';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { owner } from './owner.fixture.ts';

/**
 * Longest block of the event loop that is accepted during an attack, in units of `unitOfWork`, about a millisecond each. On an idle machine it
 * is below 50; attackers and other tests share the cores with the process. Without the defences it is seconds.
 */
const maxBlock = 200;

/** Largest number of times that a short attack is repeated. */
const maxRounds = 30;

/** Options of ports that are attacked. */
export interface AttackedOptions {
  /** Maximum number of file descriptors of the process. Default: that of the test. */
  descriptors?: number;
  /** Limits by group that are lowered, so that the test is short. */
  shorter?: Record<string, Record<string, number>>;
}

/** State of the process. */
export interface PortsState {
  /** Longest block of the event loop since the last question, in units of work. */
  block: number;
  /** Resident memory after a collection of garbage, in MiB. */
  memory: number;
  descriptors: number;
  /** Connections to the heartbeat port. */
  connections: number;
  /** Times that an honest instance became suspect or lost its lease. */
  losses: string[];
}

/** Honest clients: heartbeats on one connection and on new ones, and requests to the admin port. */
const names = ['heartbeats', 'newConnections', 'adminRequests'] as const;

/** Number of answers to honest clients. */
type Answers = Record<(typeof names)[number], number>;

/** Heartbeat port and admin port in a process of their own, with an honest plugin. */
export class AttackedPorts {
  readonly heartbeat: number;
  readonly admin: number;
  readonly #child: ChildProcess;
  #attacks = 0;

  private constructor(child: ChildProcess, addresses: { heartbeat: string; admin: string }) {
    this.#child = child;
    this.heartbeat = Number(addresses.heartbeat.split(':')[1]);
    this.admin = Number(addresses.admin.split(':')[1]);
  }

  /** Starts the ports, and an honest plugin with a session, for all tests of a file. */
  static startForFile(options: AttackedOptions = {}): () => AttackedPorts {
    let ports: AttackedPorts;
    const stops: (() => void | Promise<void>)[] = [];
    beforeAll(async () => {
      ports = await AttackedPorts.start(options, (stop) => stops.push(stop));
    });
    afterAll(async () => {
      for (const stop of stops.reverse()) await stop();
    });
    return () => ports;
  }

  /** Starts the ports, and an honest plugin with a session. They stop when the test ends, unless `onEnd` takes the functions that stop them. */
  static async start(
    options: AttackedOptions = {},
    onEnd: (stop: () => void | Promise<void>) => unknown = onTestFinished,
  ): Promise<AttackedPorts> {
    const program = fileURLToPath(new URL('attacked-ports.program.ts', import.meta.url));
    const limit = options.descriptors ? `ulimit -n ${options.descriptors} && ` : '';
    const command = `${limit}exec "$0" --max-old-space-size=128 --expose-gc "$@"`;
    const child = spawn('sh', ['-c', command, process.execPath, program, JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    onEnd(() => void child.kill('SIGKILL'));
    const ports = new AttackedPorts(child, (await nextMessage(child)) as { heartbeat: string; admin: string });
    const plugin = definePlugin({ name: 'Honest', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) });
    const controller = `127.0.0.1:${ports.heartbeat}`;
    const running = await plugin.serve({ controller, logLevel: 'silent', handleSignals: false, instanceId: 'session' });
    onEnd(() => running.stop());
    await vi.waitFor(() => expect(running.registered).toBe(true), { timeout: 20_000, interval: 5 });
    return ports;
  }

  async state(): Promise<PortsState> {
    if (this.#child.connected) this.#child.send('state');
    return (await nextMessage(this.#child)) as PortsState;
  }

  /**
   * Attacks the ports while honest clients send heartbeats, connect, and ask the admin port. Afterwards the process lives, its event
   * loop was not blocked, honest instances kept their leases, and all honest clients were answered during the attack and after it.
   */
  async endure(attack: () => Promise<unknown>): Promise<PortsState> {
    await this.state();
    this.#attacks++;
    const ending = new AbortController();
    onTestFinished(() => ending.abort());
    const answers: Answers = { heartbeats: 0, newConnections: 0, adminRequests: 0 };
    const failures: string[] = [];
    const running = [this.#sendHeartbeats(answers, failures, ending.signal), this.#askAdmin(answers, ending.signal)];
    await untilMore(answers);
    const before = { ...answers };
    // A short attack is repeated until each honest client had an answer during it.
    for (let round = 0; round < maxRounds && names.some((name) => answers[name] === before[name]); round++)
      await attack();
    expect(
      names.filter((name) => answers[name] === before[name]),
      'honest clients without an answer',
    ).toEqual([]);
    await untilMore(answers);
    ending.abort();
    await Promise.all(running);
    const state = await this.state();
    // Those of earlier attacks have stopped.
    const isCurrent = (loss: string) => /^session /.test(loss) || loss.startsWith(`unary-${this.#attacks} `);
    expect([...failures, ...state.losses.filter(isCurrent)]).toEqual([]);
    expect(state.block).toBeLessThan(maxBlock);
    return state;
  }

  /** Sends unary heartbeats on one connection, none of which may fail, and each time one more on a new connection, which is retried. */
  async #sendHeartbeats(answers: Answers, failures: string[], signal: AbortSignal): Promise<void> {
    const address = `127.0.0.1:${this.heartbeat}`;
    const open = () =>
      createGrpcClient(RegistryService, address, grpc.credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      });
    const beat = (client: ReturnType<typeof open>, instanceId: string) => {
      const apis = [{ name: 'Table', version: '1.0.0' }];
      const registration = { plugin: 'Honest', version: '1.0.0', apis, address: '127.0.0.1:9', instanceId };
      return client.heartbeat({ registration }, { metadata: owner, deadline: Date.now() + 4_000 });
    };
    const lasting = open();
    while (!signal.aborted) {
      await beat(lasting, `unary-${this.#attacks}`).then(
        () => answers.heartbeats++,
        (error: grpc.ServiceError) => failures.push(error.message),
      );
      const fresh = open();
      await beat(fresh, `reconnecting-${this.#attacks}`).then(
        () => answers.newConnections++,
        (error: grpc.ServiceError) => error.code === grpc.status.UNAVAILABLE || failures.push(error.message),
      );
      fresh.$client.close();
      await pause(20);
    }
    lasting.$client.close();
  }

  async #askAdmin(answers: Answers, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await isReady(this.admin)) answers.adminRequests++;
      await pause(20);
    }
  }
}

/** Waits until each honest client has had another answer. */
async function untilMore(answers: Answers): Promise<void> {
  const before = { ...answers };
  const isLess = () => names.filter((name) => answers[name] === before[name]);
  await expect.poll(isLess, { timeout: 20_000 }).toEqual([]);
}

/** Reports whether the admin port answers a request on a new connection. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}

/** Waits for a message of a process. Rejects if the process has ended. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const ending = new AbortController();
  const describe = () => new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
  if (child.exitCode !== null || child.signalCode !== null) throw describe();
  const ended = once(child, 'exit', { signal: ending.signal }).then(() => Promise.reject(describe()));
  ended.catch(() => undefined);
  const [message] = await Promise.race([once(child, 'message', { signal: ending.signal }), ended]);
  ending.abort();
  return message;
}
