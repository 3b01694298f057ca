import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Controller } from '@kplug/controller';
import { pino } from 'pino';
import { startOperator } from '../operator.ts';

/** Plugins of this example. */
export type PluginName = 'postgresql' | 'mariadb' | 'sqlite';

/** Plugin in its own process. */
export interface PluginProcess {
  readonly pid: number;
  /** Sends SIGTERM. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL. */
  kill(): void;
}

/** Interval between heartbeats and duration of leases, in milliseconds. Shorter than the defaults, to shorten the demo. */
export const lease = { interval: 1_000, ttl: 3_000 };

/** Environment of the demo: a temporary directory, the operator, the plugins and databases. All are cleaned up at the end. */
export class Stage {
  readonly directory: string;
  readonly manifests: string;
  readonly logs: string;
  readonly #cleanups: (() => Promise<unknown> | unknown)[] = [];
  #operator: Controller | undefined;
  readonly #children: ChildProcess[] = [];
  #closed = false;

  private constructor(directory: string) {
    this.directory = directory;
    this.manifests = join(directory, 'manifests');
    this.logs = join(directory, 'logs');
  }

  static async open(): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'kplug-demo-')));
    stage.atEnd(() => rm(stage.directory, { recursive: true, force: true }));
    await Promise.all([stage.manifests, stage.logs, stage.sqliteDirectory].map((path) => mkdir(path)));
    return stage;
  }

  get sqliteDirectory(): string {
    return join(this.directory, 'sqlite');
  }

  get operator(): Controller {
    if (!this.#operator) throw new Error('the operator has not been started');
    return this.#operator;
  }

  /** Registers a cleanup for the end of the demo. Cleanups run in reverse order. */
  atEnd(cleanup: () => Promise<unknown> | unknown): void {
    this.#cleanups.push(cleanup);
  }

  /**
   * Starts something that is stopped at the end of the demo, also if the demo ends before it has started.
   *
   * @throws if the demo has ended.
   */
  async start<T>(begin: () => Promise<T>, stop: (started: T) => Promise<unknown> | unknown): Promise<T> {
    if (this.#closed) throw new Error('the demo has ended');
    const starting = begin();
    this.atEnd(async () => {
      const started = await starting.catch(() => undefined);
      if (started !== undefined) await stop(started);
    });
    return await starting;
  }

  /** Runs all cleanups, also if one fails. Rejects with the first failure. */
  async close(): Promise<void> {
    this.#closed = true;
    const failures: unknown[] = [];
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Kills the plugins and removes the directory, without waiting. For a cleanup that takes too long. */
  abandon(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  async startOperator(): Promise<Controller> {
    const logger = pino(pino.destination(join(this.logs, 'operator.log')));
    const options = { heartbeatAddress: '127.0.0.1:0', adminAddress: '127.0.0.1:0', lease, logger };
    this.#operator = await this.start(
      () => startOperator(this.manifests, options),
      (operator) => operator.stop(),
    );
    return this.#operator;
  }

  /** Writes a file of manifests, as a user would. */
  async write(file: string, content: string): Promise<void> {
    await writeFile(join(this.manifests, file), content);
  }

  /** Edits a file of manifests, as a user would. */
  async edit(file: string, change: (content: string) => string): Promise<string> {
    const content = change(await readFile(join(this.manifests, file), 'utf8'));
    await this.write(file, content);
    return content;
  }

  /** Starts a plugin, which logs to its own file. */
  startPlugin(name: PluginName, env: Record<string, string>): PluginProcess {
    if (this.#closed) throw new Error('the demo has ended');
    const script = fileURLToPath(new URL(`../plugins/${name}.ts`, import.meta.url));
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        KPLUG_CONTROLLER: this.operator.heartbeatAddress,
        DATABASE_TABLE_CHECK_INTERVAL: '500',
        ...env,
      },
    });
    this.#children.push(child);
    const log = createWriteStream(join(this.logs, `${this.#children.length}-${name}.log`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    const plugin: PluginProcess = {
      pid: child.pid ?? 0,
      stop: () => {
        if (isRunning(child)) child.kill('SIGTERM');
        return exited;
      },
      kill: () => void child.kill('SIGKILL'),
    };
    this.atEnd(plugin.stop);
    return plugin;
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
