import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CommandError } from '../../../cli/src/command-error.js';
/** A plugin in a process of its own. What it starts itself ends with it. */
export class PluginProcess {
  #child;
  #ended;
  #output = '';
  #killWithUs = () => this.#signalAll('SIGKILL');
  constructor([program = '', ...args], env) {
    this.#child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that nothing of it is left.
      detached: true,
    });
    this.#ended = once(this.#child, 'close').catch(() => undefined);
    const hear = (chunk) => {
      this.#output += chunk;
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
    process.on('exit', this.#killWithUs);
  }
  /** Starts a command. Rejects when there is no such program. */
  static async start(command, env) {
    const started = new PluginProcess(command, env);
    try {
      await once(started.#child, 'spawn');
    } catch (cause) {
      process.off('exit', started.#killWithUs);
      const message = `the plugin can't be started by "${command.join(' ')}": ${cause.message}`;
      throw new CommandError('usage', message, { cause });
    }
    return started;
  }
  /** What it wrote on standard output and standard error. */
  get output() {
    return this.#output;
  }
  /** How it ended, if it has: its exit code, or the signal that ended it. */
  get ending() {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }
  /** Asks it to stop, as Kubernetes asks a container's first process. */
  terminate() {
    this.#child.kill('SIGTERM');
  }
  async [Symbol.asyncDispose]() {
    this.#signalAll('SIGKILL');
    await this.#ended;
    process.off('exit', this.#killWithUs);
  }
  #signalAll(signal) {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch (error) {
      // It has ended already, with all that it started.
      if (error.code !== 'ESRCH') throw error;
    }
  }
}
//# sourceMappingURL=plugin-process.js.map
