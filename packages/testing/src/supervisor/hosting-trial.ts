import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type {
  ControllerOptions,
  HostedPlugin,
  HostedState,
  PluginsFolder,
  PluginsFolderOptions,
} from '@kplug/controller';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import { TestOperator } from '../operator.ts';

/** How long tests wait for what takes processes to start. */
export const patience = { timeout: 20_000, interval: 20 };

/** What lets a file of a test import the SDK. */
export const packages = { '@kplug/sdk': import.meta.resolve('@kplug/sdk') };

/** A module for the SDK that reconciles `Table`s. `body` is what `reconcile` does, `before` stands in front. */
export function moduleOf({ plugin = 'Folder', version = '1.0.0', body = '', before = '' } = {}): string {
  return `import { definePlugin } from '@kplug/sdk';
${before}
await definePlugin({
  name: '${plugin}', version: '${version}', api: 'Table@1.0.0',
  async reconcile() { ${body || `return { status: { by: '${plugin} ${version}', pid: process.pid } };`} },
}).serve({ logLevel: 'info' });
`;
}

/** What a controller logged. */
export interface LogEntry {
  level: number;
  msg: string;
  hosted?: string;
  [field: string]: unknown;
}

/** A folder of its own, which goes with the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-hosting-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts a file in place in one step, as a careful user does. */
export async function put(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const written = join(dirname(path), '.put');
  await writeFile(written, content);
  await chmod(written, mode);
  await rename(written, path);
}

/** An operator that runs what is in a folder, and ends with the test. */
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
    others: Partial<ControllerOptions> = {},
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

  get folder(): PluginsFolder {
    return this.operator.controller.pluginsFolder ?? expect.fail('there is no folder');
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
      return status ?? expect.fail('it is not there');
    }, patience);
  }

  /** Waits until a plugin isn't there any more. */
  async expectGone(name: string): Promise<void> {
    await vi.waitFor(() => expect(this.status(name)).toBeUndefined(), patience);
  }

  /** What a plugin wrote, by the controller's log. */
  linesOf(name: string): string[] {
    return this.log.filter(({ hosted, hostedPid }) => hosted === name && hostedPid !== undefined).map(({ msg }) => msg);
  }
}

/** True if a process is there that isn't dead. One that is dead stays until its parent, or init, has asked after it. */
export function isRunning(pid: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
