// supervisor/: plugins run from a folder: processes, restarts, downloads.
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { DirectoryWatch } from '../files/directory-watch.ts';
import { isBeingWritten } from '../files/is-being-written.ts';
import { hasCode } from '../files/system-error.ts';
import { limits } from '../limits/limits.ts';
import type { VersionedName } from '../names.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { HostedFolder, HostedOutput, HostedPlugin, PluginDownload } from '../registry/hosted.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import type { IdentityIssuer } from '../resources/services/identity-issuer.ts';
import { notFetched, withDownload } from './download/not-fetched.ts';
import { PluginDownloads } from './download/plugin-downloads.ts';
import { type Entry, identify, isIgnored, listingOf, readEntry } from './entry.ts';
import { FolderAccess } from './folder-access.ts';
import { Guard } from './guard.ts';
import { Launcher } from './launch.ts';
import { localAddress } from './local-address.ts';
import { type FolderSettings, type PluginsFolderOptions, readFolderOptions } from './options.ts';
import { Settling } from './settling.ts';
import { SupervisedPlugin } from './supervised-plugin.ts';

const { changeDelay, minSettleInterval, killTimeout } = limits.pluginsFolder;

/** Parts of the controller that the supervisor uses. */
export interface SupervisorDependencies {
  registry: Registry;
  reservations: Reservations;
  log: Logger;
  /** Missing where there are no ServiceAccounts. */
  identities?: IdentityIssuer | undefined;
  /** Called when a plugin runs other code than before, in the same version. */
  onNewCode: (plugin: VersionedName) => void;
}

/** Runs the entries of a folder as plugins, and follows additions, replacements and removals. */
export class PluginsFolder implements HostedFolder {
  readonly #settings: FolderSettings;
  readonly #registry: Registry;
  readonly #log: Logger;
  readonly #guard: Guard;
  readonly #plugins = new Map<string, SupervisedPlugin>();
  /** Entries that were accepted, by name. */
  readonly #accepted = new Map<string, Entry>();
  /** Names of accepted entries that are not run, as others may change their files. */
  readonly #refused = new Set<string>();
  readonly #access: FolderAccess;
  /** Entries that changed or disappeared, until they have settled. */
  readonly #settling: Settling;
  readonly #listeners = new Set<() => void>();
  readonly #downloads: PluginDownloads | undefined;
  readonly #scans = new WorkQueue<'scan'>({ work: async () => ({ next: 'again', after: await this.#scan() }) });
  readonly #restarts = new WorkQueue<SupervisedPlugin>({ work: async (plugin) => plugin.restart() });
  readonly #make: (name: string) => SupervisedPlugin;
  #controller = '';
  #watch: DirectoryWatch | undefined;
  #watched: string | undefined;
  #isHeld = false;
  #problem = '';
  #unsubscribe: () => void = () => undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(
    options: PluginsFolderOptions,
    { registry, reservations, log, identities, onNewCode }: SupervisorDependencies,
  ) {
    this.#settings = readFolderOptions(options);
    this.#settling = new Settling(this.#settings.settleTime);
    this.#registry = registry;
    this.#log = log;
    this.#guard = new Guard(log);
    const { directory, allowWritable, inheritedEnvironment } = this.#settings;
    this.#access = new FolderAccess(directory, allowWritable);
    const launcher = new Launcher(this.#guard, this.#access, inheritedEnvironment, identities);
    let lines = 0;
    const supervision = {
      registry,
      reservations,
      launcher,
      log,
      restarts: this.#restarts,
      controller: () => this.#controller,
      nextLine: () => ++lines,
      isHeld: () => this.#isHeld,
      onChange: () => this.#notify(),
      onNewCode,
    };
    const { list } = options;
    this.#downloads = list && new PluginDownloads({ ...list, directory, allowWritable }, log, () => this.#notify());
    this.#make = (name) => new SupervisedPlugin(name, supervision);
  }

  /** Path of the folder. */
  get directory(): string {
    return this.#settings.directory;
  }

  /** Process ID of the guard, which kills the plugins when the controller is killed. */
  get guard(): number | undefined {
    return this.#guard.pid;
  }

  list(): HostedPlugin[] {
    const failed = this.#downloads?.failed() ?? new Map<string, PluginDownload>();
    const plugins = [...this.#plugins.values()].map(({ status }) => withDownload(status, failed.get(status.name)));
    const missing = [...failed].filter(([name]) => !this.#plugins.has(name));
    const all = [...plugins, ...missing.map(([name, download]) => notFetched(name, download))];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  output(name: string): HostedOutput | undefined {
    return this.#plugins.get(name)?.output;
  }

  downloads(): readonly PluginDownload[] {
    return this.#downloads?.list() ?? [];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts. Fulfilled after the first scan; existing entries are starting or settling by then. */
  async start(heartbeatAddress: string): Promise<void> {
    if (process.platform === 'win32') {
      this.#report('plugins in a folder are not supported on Windows, which has no process groups', 'info');
      return;
    }
    this.#controller = localAddress(heartbeatAddress);
    this.#unsubscribe = this.#registry.subscribe(({ instance }) => {
      for (const plugin of this.#plugins.values()) plugin.onInstance(instance);
    });
    await this.#downloads?.start();
    this.#scans.add('scan');
    await this.#scans.whenIdle();
  }

  /** Stops starting processes. Running processes continue. */
  hold(): void {
    this.#isHeld = true;
    void this.#scans.close();
    void this.#restarts.close();
  }

  /** Stops all plugins. Fulfilled when their processes have exited or could not be killed in time. */
  async stop(): Promise<void> {
    this.hold();
    await this.#downloads?.stop();
    await this.#watch?.close();
    await this.#scans.whenIdle();
    const plugins = [...this.#plugins.values()];
    for (const plugin of plugins) plugin.remove('the controller is stopping', this.#settings.stopTimeout);
    const ended = Promise.all(plugins.map((plugin) => plugin.whenEnded()));
    // A process that even SIGKILL doesn't end now isn't waited for; the guard tries again.
    await Promise.race([ended, sleep(this.#settings.stopTimeout + killTimeout, undefined, { ref: false })]);
    this.#unsubscribe();
    await this.#guard.close();
  }

  /** Scans the folder. Returns the delay before the next scan, in milliseconds. */
  async #scan(): Promise<number> {
    const { settleTime, scanInterval } = this.#settings;
    const names = await this.#names();
    for (const name of names ?? []) if (!this.#isHeld) await this.#check(name);
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
    let plugin = this.#plugins.get(name);
    if (!plugin) {
      plugin = this.#make(name);
      this.#plugins.set(name, plugin);
    }
    if (program) plugin.use(program);
    else plugin.reject(fault);
  }

  /** Removes the plugin of an entry that has been missing for the settle time. A moved file is missing for a moment. */
  #miss(name: string): void {
    if (!this.#settling.hasSettled(name, 'missing')) return;
    this.#settling.forget(name);
    this.#accepted.delete(name);
    this.#refused.delete(name);
    this.#plugins.get(name)?.remove('its file was removed');
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

  #notify(): void {
    for (const [name, plugin] of this.#plugins) if (plugin.isGone) this.#plugins.delete(name);
    for (const listener of this.#listeners) listener();
  }
}
