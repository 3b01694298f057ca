import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ControllerOptions } from '@kplug/controller';
import { definePlugin } from '@kplug/sdk';
import { expect, onTestFinished } from 'vitest';

/**
 * Longest block of the event loop that is accepted during an attack, in units of `unitOfWork`, about a millisecond each. On an idle machine it
 * is below 50; attackers and other tests share the cores with the process. Without the defences it is seconds.
 */
const maxBlock = 200;

/** Options of an operator that is attacked. */
export interface AttackedOptions {
  /** Largest heap of the operator, in MiB. Default 256. */
  heap?: number;
  /** Options of its controller. */
  controller?: Omit<ControllerOptions, 'resources' | 'delegations' | 'logger'>;
}

/** State of an operator that is attacked. */
export interface OperatorState {
  /** Memory that is in use after a collection of garbage, in MiB: the heap and what it refers to outside. */
  memory: number;
  /** Number of instances, of changes of the registry, and of log lines. */
  instances: number;
  changes: number;
  lines: number;
  longestLine: number;
  /** The last log lines. */
  lastLines: string[];
  /** Number of writes and of different names of `Plugin` resources. */
  pluginWrites: number;
  pluginNames: number;
  /** Number of calls of the delegation's reconciles, and series of the metrics. */
  reconciles: number;
  series: number;
  /** Longest block of the event loop since the last question, in units of work. */
  block: number;
}

/** A real operator in a process of its own, with a small heap and a resource that an honest plugin reconciles. */
export class AttackedOperator {
  readonly heartbeatAddress: string;
  readonly adminUrl: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, addresses: { heartbeat: string; admin: string }) {
    this.#child = child;
    this.heartbeatAddress = addresses.heartbeat;
    this.adminUrl = `http://${addresses.admin}`;
  }

  /** Starts an operator, and an honest plugin that has reconciled one resource. Both stop when the test ends. */
  static async start({ heap = 256, controller = {} }: AttackedOptions = {}): Promise<AttackedOperator> {
    const program = fileURLToPath(new URL('attacked-operator.program.ts', import.meta.url));
    const child = fork(program, [JSON.stringify(controller)], {
      execArgv: [`--max-old-space-size=${heap}`, '--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const operator = new AttackedOperator(child, (await answerOf(child)) as { heartbeat: string; admin: string });
    const honest = definePlugin({
      name: 'Honest',
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: ({ base }) => ({ status: { seen: base.spec } }),
    });
    const options = { controller: operator.heartbeatAddress, logLevel: 'silent', handleSignals: false } as const;
    const running = await honest.serve({ ...options, instanceId: 'honest' });
    onTestFinished(() => running.stop());
    await operator.expectService();
    return operator;
  }

  /** Returns the state of the operator. Rejects if its process has ended. */
  async state(): Promise<OperatorState> {
    return (await ask(this.#child, 'state')) as OperatorState;
  }

  /** Waits until a change of the resource has been reconciled by the honest plugin. */
  async expectService(): Promise<void> {
    await ask(this.#child, 'change');
  }

  /**
   * Attacks the operator. Afterwards its process lives, its event loop was not blocked, and the honest plugin kept its lease and reconciles
   * changes. Returns the state after the attack.
   */
  async endure(attack: () => Promise<unknown>): Promise<OperatorState> {
    await this.state();
    await attack();
    await this.expectService();
    const state = await this.state();
    expect(state.block).toBeLessThan(maxBlock);
    expect(state.lastLines.filter((line) => /Honest .*(is suspect|is gone)/.test(line))).toEqual([]);
    return state;
  }
}

function ask(child: ChildProcess, question: 'state' | 'change'): Promise<unknown> {
  if (child.connected) child.send(question);
  return answerOf(child);
}

/** Waits for a message of a process. Rejects if the process has ended, or takes a minute. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const ending = new AbortController();
  const describe = () => new Error(`the operator ended with ${child.exitCode ?? child.signalCode}`);
  if (child.exitCode !== null || child.signalCode !== null) throw describe();
  const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(60_000)]);
  const ended = once(child, 'exit', { signal: ending.signal }).then(() => Promise.reject(describe()));
  ended.catch(() => undefined);
  const [message] = await Promise.race([once(child, 'message', { signal }), ended]);
  ending.abort();
  return message;
}
