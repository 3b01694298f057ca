import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

export const execute = promisify(execFile);

/** Output of a command, both streams together. */
export interface Output {
  text: string;
}

/** Commands of a user in one folder. Each runs in a shell of its own, as in a terminal. */
export class Shell {
  readonly env: NodeJS.ProcessEnv;
  cwd: string;
  /** Command that each further terminal needs first, as to activate an environment. */
  prelude = '';

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.cwd = cwd;
    this.env = env;
  }

  /** Runs a command to its end. Returns its output. Rejects with the output when it fails. */
  async run(command: string): Promise<string> {
    const child = this.#spawn(command);
    const output = collect(child);
    const code = await exitOf(child);
    if (code !== 0) throw new Error(`\`${command}\` exits with ${code}:\n${output.text}`);
    return output.text;
  }

  /** Starts a command that runs until it is stopped. */
  start(command: string): RunningCommand {
    return new RunningCommand(command, this.#spawn(command));
  }

  #spawn(command: string): ChildProcess {
    const script = [this.prelude, command].filter(Boolean).join('\n');
    // A process group of its own, so that all of its processes can be stopped.
    return spawn('sh', ['-ec', script], {
      cwd: this.cwd,
      env: this.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** Command that runs until it is stopped, as a user does with Ctrl+C. */
export class RunningCommand implements AsyncDisposable {
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #exit: Promise<number | null>;

  constructor(command: string, child: ChildProcess) {
    this.#command = command;
    this.#child = child;
    this.#output = collect(child);
    this.#exit = exitOf(child);
  }

  /** Throws when the command has ended. */
  check(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return;
    throw new Error(`\`${this.#command}\` has ended:\n${this.#output.text}`);
  }

  get output(): string {
    return this.#output.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null)
      process.kill(-pid, 'SIGINT');
    await this.#exit;
  }
}

function collect({ stdout, stderr }: ChildProcess): Output {
  const output: Output = { text: '' };
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output.text += chunk;
    });
  }
  return output;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}
