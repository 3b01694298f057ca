// supervisor/: plugins run from a folder, or from a source of programs: processes, restarts, downloads.
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { DirectoryWatch } from '../files/directory-watch.ts';
import { isBeingWritten } from '../files/is-being-written.ts';
import { hasCode } from '../files/system-error.ts';
import { limits } from '../limits/limits.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { HostedFolder, HostedOutput, HostedPlugin, PluginDownload } from '../registry/hosted.ts';
import { notFetched, withDownload } from './download/not-fetched.ts';
import { PluginDownloads } from './download/plugin-downloads.ts';
import { type Entry, identify, isIgnored, listingOf, readEntry } from './entry.ts';
import { FolderAccess } from './folder-access.ts';
import { HostedPlugins, type SupervisorDependencies } from './hosted-plugins.ts';
import { type FolderSettings, type PluginsFolderOptions, readFolderOptions } from './options.ts';
import { Settling } from './settling.ts';

const { changeDelay, minSettleInterval } = limits.pluginsFolder;

/** Runs the entries of a folder as plugins, and follows additions, replacements and removals. */
export class PluginsFolder implements HostedFolder {
  readonly #settings: FolderSettings;
  readonly #log: Logger;
  readonly #hosted: HostedPlugins;
  /** Entries that were accepted, by name. */
  readonly #accepted = new Map<string, Entry>();
  /** Names of accepted entries that are not run, as others may change their files. */
  readonly #refused = new Set<string>();
  readonly #access: FolderAccess;
  /** Entries that changed or disappeared, until they have settled. */
  readonly #settling: Settling;
  readonly #downloads: PluginDownloads | undefined;
  readonly #scans = new WorkQueue<'scan'>({ work: async () => ({ next: 'again', after: await this.#scan() }) });
  #watch: DirectoryWatch | undefined;
  #watched: string | undefined;
  #problem = '';

  /** Throws `InvalidConfiguration`. */
  constructor(options: PluginsFolderOptions, dependencies: SupervisorDependencies) {
    this.#settings = readFolderOptions(options);
    const { directory, allowWritable, inheritedEnvironment, settleTime, stopTimeout } = this.#settings;
    const { log } = dependencies;
    this.#log = log;
    this.#settling = new Settling(settleTime);
    this.#access = new FolderAccess(directory, allowWritable);
    this.#hosted = new HostedPlugins({ access: this.#access, inheritedEnvironment, stopTimeout }, dependencies);
    const { list } = options;
    const onChange = () => this.#hosted.notify();
    this.#downloads = list && new PluginDownloads({ ...list, directory, allowWritable }, log, onChange);
  }

  /** Path of the folder. */
  get directory(): string {
    return this.#settings.directory;
  }

  /** Process ID of the guard, which kills the plugins when the controller is killed. */
  get guard(): number | undefined {
    return this.#hosted.guard;
  }

  list(): HostedPlugin[] {
    const failed = this.#downloads?.failed() ?? new Map<string, PluginDownload>();
    const plugins = this.#hosted.list().map((status) => withDownload(status, failed.get(status.name)));
    const known = new Set(plugins.map(({ name }) => name));
    const missing = [...failed].filter(([name]) => !known.has(name));
    const all = [...plugins, ...missing.map(([name, download]) => notFetched(name, download))];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  output(name: string): HostedOutput | undefined {
    return this.#hosted.output(name);
  }

  downloads(): readonly PluginDownload[] {
    return this.#downloads?.list() ?? [];
  }

  subscribe(listener: () => void): () => void {
    return this.#hosted.subscribe(listener);
  }

  /** Starts. Fulfilled after the first scan; existing entries are starting or settling by then. */
  async start(heartbeatAddress: string): Promise<void> {
    if (process.platform === 'win32') {
      this.#report('plugins in a folder are not supported on Windows, which has no process groups', 'info');
      return;
    }
    this.#hosted.start(heartbeatAddress);
    await this.#downloads?.start();
    this.#scans.add('scan');
    await this.#scans.whenIdle();
  }

  /** Stops starting processes. Running processes continue. */
  hold(): void {
    this.#hosted.hold();
    void this.#scans.close();
  }

  /** Stops all plugins. Fulfilled when their processes have exited or could not be killed in time. */
  async stop(): Promise<void> {
    this.hold();
    await this.#downloads?.stop();
    await this.#watch?.close();
    await this.#scans.whenIdle();
    await this.#hosted.stop();
  }

  /** Scans the folder. Returns the delay before the next scan, in milliseconds. */
  async #scan(): Promise<number> {
    const { settleTime, scanInterval } = this.#settings;
    const names = await this.#names();
    for (const name of names ?? []) if (!this.#hosted.isHeld) await this.#check(name);
    if (names) for (const name of [...this.#accepted.keys()]) if (!names.has(name)) this.#miss(name);
    return this.#settling.isPending ? Math.max(minSettleInterval, settleTime / 2) : scanInterval;
  }

  /** Lists the entries. Returns `undefined` when the folder can't be read. */
  async #names(): Promise<Set<string> | undefined> {
    const { directory } = this.#settings;
    try {
      const names = await readdir(directory);
      await this.#watchDirectory();
      const fault = await this.#access.findFolderFault();
      this.#report(fault ? `the plugins folder ${directory} is not used: ${fault}` : '');
      return new Set(names.filter((name) => !isIgnored(name)));
    } catch (error) {
      const isMissing = hasCode(error, 'ENOENT');
      const what = isMissing ? 'does not exist; waiting for it' : `can't be read: ${messageOf(error)}`;
      this.#report(`the plugins folder ${directory} ${what}`, isMissing ? 'info' : 'warn');
      // A folder that is created later is another one, and needs a new watch.
      await this.#watch?.close();
      this.#watch = undefined;
      return isMissing ? new Set() : undefined;
    }
  }

  async #check(name: string): Promise<void> {
    const { directory, runSettings } = this.#settings;
    const former = this.#accepted.get(name);
    if (former && (await this.#isUpToDate(former))) {
      this.#settling.forget(name);
      return;
    }
    const entry = await readEntry(join(directory, name), name, runSettings, this.#settings);
    if (!entry) return;
    if (!entry.program && !entry.fault) {
      if (former?.program || former?.fault) return this.#miss(name);
      this.#accepted.set(name, entry);
      this.#settling.forget(name);
      return;
    }
    if (!this.#settling.hasSettled(name, await listingOf(entry))) return;
    if (await isBeingWritten(entry.files)) {
      this.#settling.restart(name);
      return;
    }
    this.#settling.forget(name);
    this.#accepted.set(name, entry);
    const fault = entry.program && (await this.#access.findFault(entry.files));
    if (fault === undefined) this.#refused.delete(name);
    else this.#refused.add(name);
    this.#accept(fault === undefined ? entry : { name, identity: '', files: [], fault });
  }

  /** Reports whether nothing has changed for an entry: its files, and whether others may change them. */
  async #isUpToDate({ name, files, identity }: Entry): Promise<boolean> {
    if ((await identify(files)) !== identity) return false;
    return !this.#refused.has(name) || (await this.#access.findFault(files)) !== undefined;
  }

  #accept({ name, program, fault = '' }: Entry): void {
    if (program) this.#hosted.use(program);
    else this.#hosted.reject(name, fault);
  }

  /** Removes the plugin of an entry that has been missing for the settle time. A moved file is missing for a moment. */
  #miss(name: string): void {
    if (!this.#settling.hasSettled(name, 'missing')) return;
    this.#settling.forget(name);
    this.#accepted.delete(name);
    this.#refused.delete(name);
    this.#hosted.remove(name, 'its file was removed');
  }

  /** Watches for changes, so that they are noticed before the next regular scan. */
  async #watchDirectory(): Promise<void> {
    const directory = await realpath(this.#settings.directory);
    if (this.#watch && this.#watched === directory && !this.#watch.problem) return;
    this.#watched = directory;
    await this.#watch?.close();
    this.#watch = new DirectoryWatch(directory, () => this.#scans.addWithin('scan', changeDelay), { depth: 1 });
    await this.#watch.start();
  }

  /** Logs a problem once for as long as it lasts. */
  #report(problem: string, level: 'info' | 'warn' = 'warn'): void {
    if (problem && problem !== this.#problem) this.#log[level](problem);
    this.#problem = problem;
  }
}
