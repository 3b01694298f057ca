import { type ChildProcess, type ForkOptions, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandCall, CommandResult, Commands, Usage } from './processes/commands.ts';

/** Running child processes, which are killed at the exit of this process. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Process of a benchmark with commands to call. Disposing of it kills the process. */
export class Child<C extends Commands> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  /** @param module a file in `processes/` that serves the commands, or another program with the same IPC. */
  constructor(
    module: URL | { program: string },
    { env = {}, execArgv = [] }: Pick<ForkOptions, 'env' | 'execArgv'> = {},
  ) {
    this.#name = basename(module instanceof URL ? fileURLToPath(module) : module.program);
    // JSON is as fast as the alternative for messages this small, and fails for values that can't be serialized.
    const options = { env: { ...process.env, ...env }, serialization: 'json' } as const;
    this.#process =
      module instanceof URL
        ? fork(module, { ...options, execArgv })
        : spawn(module.program, { ...options, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    living.add(this.#process);
    this.#process.on('message', (message: CommandResult) => this.#settle(message));
    this.#process.on('exit', (code, signal) => {
      living.delete(this.#process);
      this.#fail(`${this.#name} exited with ${code ?? signal}`);
    });
    this.#process.on('error', (error) => this.#fail(`${this.#name}: ${error.message}`));
  }

  /** Calls a command. Rejects with the error of the command, or if the process exits before. */
  ask<K extends keyof C & string>(
    command: K,
    ...[argument]: Parameters<C[K]> extends [infer A] ? [A] : []
  ): Promise<Awaited<ReturnType<C[K]>>> {
    return this.#call(command, argument) as Promise<Awaited<ReturnType<C[K]>>>;
  }

  /** CPU time that the process has used. */
  usage(): Promise<Usage> {
    return this.#call('usage', undefined) as Promise<Usage>;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #call(command: string, argument: unknown): Promise<unknown> {
    const id = ++this.#calls;
    const pending = Promise.withResolvers<unknown>();
    if (!this.#process.connected) return Promise.reject(new Error(`${this.#name} has exited`));
    this.#pending.set(id, pending);
    this.#process.send({ id, command, argument } satisfies CommandCall);
    return pending.promise;
  }

  #settle(message: CommandResult): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ('error' in message) pending?.reject(new Error(`${this.#name}: ${message.error}`));
    else pending?.resolve(message.result);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#pending.values()) reject(new Error(reason));
    this.#pending.clear();
  }
}
