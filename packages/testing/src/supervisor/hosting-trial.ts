import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HostedFolder, HostedPlugin, HostedState, PluginsFolderOptions } from '@kplug/controller';
import { pluginsFolderOf } from '@kplug/controller/internal';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import { TestOperator } from '../operator.ts';

/** Timeout of tests that wait for processes. */
export const waitOptions = { timeout: 20_000, interval: 20 };

/** Packages that modules of tests can import: the SDK. */
export const packages = { '@kplug/sdk': import.meta.resolve('@kplug/sdk') };

/** Returns a module for the SDK that reconciles `Table`s. `body` is the body of `reconcile`, `before` is code before the plugin. */
export function moduleOf({ plugin = 'Folder', version = '1.0.0', body = '', before = '' } = {}): string {
  return `import { definePlugin } from '@kplug/sdk';
${before}
await definePlugin({
  name: '${plugin}', version: '${version}', api: 'Table@1.0.0',
  async reconcile() { ${body || `return { status: { by: '${plugin} ${version}', pid: process.pid } };`} },
}).serve({ logLevel: 'info' });
`;
}

/** Log entry of a controller. */
export interface LogEntry {
  level: number;
  msg: string;
  hosted?: string;
  [field: string]: unknown;
}

/** Makes a folder that is removed with the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-hosting-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts a file in place atomically. */
export async function put(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const written = join(dirname(path), '.put');
  await writeFile(written, content);
  await chmod(written, mode);
  await rename(written, path);
}

/** Operator that runs the plugins of a folder and stops with the test. */
export class HostingTrial {
  readonly operator: TestOperator;
  readonly directory: string;
  readonly log: LogEntry[];

  private constructor(operator: TestOperator, directory: string, log: LogEntry[]) {
    this.operator = operator;
    this.directory = directory;
    this.log = log;
  }

  static async start(
    options: Partial<PluginsFolderOptions> = {},
    others: ConstructorParameters<typeof TestOperator>[1] = {},
  ): Promise<HostingTrial> {
    const directory = options.directory ?? (await makeFolder());
    const log: LogEntry[] = [];
    const write = (line: string) => {
      if (process.env.KPLUG_TEST_LOG) process.stderr.write(line);
      log.push(JSON.parse(line));
    };
    const quick = { settleTime: 50, scanInterval: 200, restart: { initialBackOff: 50, maxBackOff: 200 }, packages };
    const pluginsFolder = { directory, ...quick, ...options };
    const operator = new TestOperator(
      {},
      { logger: pino({ base: null, level: 'debug' }, { write }), pluginsFolder, ...others },
    );
    onTestFinished(() => operator.controller.stop());
    await operator.controller.start();
    return new HostingTrial(operator, directory, log);
  }

  get folder(): HostedFolder {
    return this.operator.controller.pluginsFolder ?? expect.fail('there is no folder');
  }

  /** Process ID of the guard. */
  get guard(): number | undefined {
    return pluginsFolderOf(this.operator.controller)?.guard;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  put(name: string, content: string | Buffer, mode?: number): Promise<void> {
    return put(this.path(name), content, mode);
  }

  status(name: string): HostedPlugin | undefined {
    return this.folder.list().find((one) => one.name === name);
  }

  /** Waits until a plugin is in a state. */
  async expectState(name: string, state: HostedState, more: Partial<HostedPlugin> = {}): Promise<HostedPlugin> {
    return vi.waitFor(() => {
      const status = this.status(name);
      expect(status).toMatchObject({ state, ...more });
      return status ?? expect.fail('no such plugin');
    }, waitOptions);
  }

  /**
   * Sends a signal to the process of a plugin, once it has one. Without that check, the signal would go to process 0: the whole group of
   * the test runner.
   */
  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const pid = await vi.waitFor(() => this.status(name)?.pid ?? expect.fail(`${name} has no process`), waitOptions);
    process.kill(pid, signal);
  }

  /** Waits until a plugin is gone. */
  async expectGone(name: string): Promise<void> {
    await vi.waitFor(() => expect(this.status(name)).toBeUndefined(), waitOptions);
  }

  /** Returns the output of a plugin, from the controller's log. */
  linesOf(name: string): string[] {
    return this.log.filter(({ hosted, hostedPid }) => hosted === name && hostedPid !== undefined).map(({ msg }) => msg);
  }
}

/** Reports whether a process is running. A zombie isn't. */
export function isRunning(pid: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
