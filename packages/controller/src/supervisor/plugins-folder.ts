import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { HostedFolder, HostedPlugin, PluginDownload } from '../registry/hosted.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import type { IdentityIssuer } from '../resources/cluster-services.ts';
import { DirectoryWatch } from '../resources/directory/directory-watch.ts';
import { hasCode } from '../resources/directory/write-durably.ts';
import { notFetched, withDownload } from './download/not-fetched.ts';
import { PluginDownloads } from './download/plugin-downloads.ts';
import { type Entry, identify, isIgnored, listingOf, lookAt, realFilesOf } from './entry.ts';
import { Guard } from './guard.ts';
import { Launcher } from './launch.ts';
import { localAddress } from './local-address.ts';
import { openForWriting } from './open-writers.ts';
import { type FolderSettings, type PluginsFolderOptions, readFolderOptions } from './options.ts';
import { Settling } from './settling.ts';
import { SupervisedPlugin } from './supervised-plugin.ts';

/** How soon the folder is looked through when something tells of a change, in milliseconds. */
const quickly = 100;

/** How long processes that were killed may take to end when the controller stops, in milliseconds. */
const lastWait = 2_000;

/** What a folder of plugins needs of the controller. */
export interface SupervisorDependencies {
  registry: Registry;
  reservations: Reservations;
  log: Logger;
  /** Missing where there are no ServiceAccounts. */
  identities?: IdentityIssuer | undefined;
}

/** Runs what is in a folder as plugins, and follows what is put there, replaced and removed. */
export class PluginsFolder implements HostedFolder {
  readonly #settings: FolderSettings;
  readonly #registry: Registry;
  readonly #log: Logger;
  readonly #guard: Guard;
  readonly #plugins = new Map<string, SupervisedPlugin>();
  /** What was found at the last look, by name. */
  readonly #seen = new Map<string, Entry>();
  /** What is about to be taken up, or missed. */
  readonly #settling: Settling;
  readonly #listeners = new Set<() => void>();
  readonly #downloads: PluginDownloads | undefined;
  readonly #make: (name: string) => SupervisedPlugin;
  #controller = '';
  #watch: DirectoryWatch | undefined;
  #watched: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<number> | undefined;
  #touched = false;
  #held = false;
  #problem = '';
  #unsubscribe: () => void = () => undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(options: PluginsFolderOptions, { registry, reservations, log, identities }: SupervisorDependencies) {
    this.#settings = readFolderOptions(options);
    this.#settling = new Settling(this.#settings.settleTime);
    this.#registry = registry;
    this.#log = log;
    this.#guard = new Guard(log);
    const launcher = new Launcher(this.#guard, identities);
    const [controller, isHeld, onChange] = [() => this.#controller, () => this.#held, () => this.#tell()];
    const supervision = { registry, reservations, launcher, log, controller, isHeld, onChange };
    const { directory } = this.#settings;
    const { list } = options;
    this.#downloads = list && new PluginDownloads({ ...list, directory }, log, onChange);
    this.#make = (name) => new SupervisedPlugin(name, supervision);
  }

  /** Where the plugins are. */
  get directory(): string {
    return this.#settings.directory;
  }

  /** The process that kills the plugins if the controller is killed. */
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

  downloads(): readonly PluginDownload[] {
    return this.#downloads?.list() ?? [];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins. Fulfilled when the folder was looked through once; what is in it is starting by then, or settling. */
  async start(heartbeatAddress: string): Promise<void> {
    if (process.platform === 'win32') {
      this.#report('plugins in a folder need process groups, which Windows has not; none is run', 'info');
      return;
    }
    this.#controller = localAddress(heartbeatAddress);
    this.#unsubscribe = this.#registry.subscribe(({ instance }) => {
      for (const plugin of this.#plugins.values()) plugin.onInstance(instance);
    });
    await this.#downloads?.start();
    await this.#scan();
  }

  /** Starts nothing any more. What runs goes on. */
  hold(): void {
    this.#held = true;
    clearTimeout(this.#timer);
  }

  /** Ends all plugins. Fulfilled when none is left. */
  async stop(): Promise<void> {
    this.hold();
    await this.#downloads?.stop();
    await this.#watch?.close();
    await this.#scanning;
    const plugins = [...this.#plugins.values()];
    for (const plugin of plugins) plugin.remove('the controller stops', this.#settings.stopTimeout);
    const ended = Promise.all(plugins.map((plugin) => plugin.whenEnded()));
    // A process that even the kernel can't end now isn't waited for; the guard tries as well.
    await Promise.race([ended, sleep(this.#settings.stopTimeout + lastWait, undefined, { ref: false })]);
    this.#unsubscribe();
    await this.#guard.close();
  }

  async #scan(): Promise<void> {
    this.#touched = false;
    this.#scanning = this.#lookThrough();
    const wait = await this.#scanning;
    this.#scanning = undefined;
    this.#scanIn(this.#touched ? quickly : wait);
  }

  #scanIn(time: number): void {
    clearTimeout(this.#timer);
    if (!this.#held) this.#timer = setTimeout(() => void this.#scan(), time).unref();
  }

  /** Something was changed. What writes without end doesn't have the folder looked through all the time. */
  #scanSoon(): void {
    if (this.#touched) return;
    this.#touched = true;
    if (!this.#scanning) this.#scanIn(quickly);
  }

  /** Returns after how long to look again. */
  async #lookThrough(): Promise<number> {
    const { settleTime, scanInterval } = this.#settings;
    const names = await this.#names();
    for (const name of names ?? []) if (!this.#held) await this.#look(name);
    if (names) for (const name of [...this.#seen.keys()]) if (!names.has(name)) this.#miss(name);
    return this.#settling.isWaiting ? Math.max(10, settleTime / 2) : scanInterval;
  }

  /** What is in the folder, if that can be told. */
  async #names(): Promise<Set<string> | undefined> {
    const { directory } = this.#settings;
    try {
      const names = await readdir(directory);
      await this.#watchDirectory();
      this.#report('');
      return new Set(names.filter((name) => !isIgnored(name)));
    } catch (error) {
      const isMissing = hasCode(error, 'ENOENT');
      const what = isMissing ? "isn't there; it is waited for" : `can't be read: ${messageOf(error)}`;
      this.#report(`the plugins folder ${directory} ${what}`, isMissing ? 'info' : 'warn');
      // One that comes back is another, which has to be watched anew.
      await this.#watch?.close();
      this.#watch = undefined;
      return isMissing ? new Set() : undefined;
    }
  }

  async #look(name: string): Promise<void> {
    const { directory, terms } = this.#settings;
    const before = this.#seen.get(name);
    if (before && (await identify(before.files)) === before.identity) {
      this.#settling.forget(name);
      return;
    }
    const path = join(directory, name);
    const entry = await lookAt(path, name, terms, this.#settings);
    if (!entry) return;
    if (!entry.program && !entry.fault && !entry.partial) {
      if (before?.program || before?.fault || before?.partial) return this.#miss(name);
      this.#seen.set(name, entry);
      this.#settling.forget(name);
      return;
    }
    if (!this.#settling.has(name, await listingOf(entry))) return;
    if (await openForWriting(await realFilesOf(entry))) {
      this.#settling.restart(name);
      return;
    }
    this.#settling.forget(name);
    this.#seen.set(name, entry);
    this.#take(entry);
  }

  #take({ name, program, fault, partial }: Entry): void {
    let plugin = this.#plugins.get(name);
    if (!plugin) {
      plugin = this.#make(name);
      this.#plugins.set(name, plugin);
    }
    if (program) plugin.use(program);
    else plugin.reject(fault ?? `it isn't whole: ${partial}; copy it again if nobody is copying it`);
  }

  /** Something isn't there any more; what is moved may be gone for a moment. */
  #miss(name: string): void {
    if (!this.#settling.has(name, 'missing')) return;
    this.#settling.forget(name);
    this.#seen.delete(name);
    this.#plugins.get(name)?.remove('its file was removed');
  }

  /** Changes are seen by the regular look too, if later. */
  async #watchDirectory(): Promise<void> {
    const directory = await realpath(this.#settings.directory);
    if (this.#watch && this.#watched === directory && !this.#watch.problem) return;
    this.#watched = directory;
    await this.#watch?.close();
    this.#watch = new DirectoryWatch(directory, () => this.#scanSoon(), 1);
    await this.#watch.start();
  }

  /** Says a problem once for as long as it stays. */
  #report(problem: string, level: 'info' | 'warn' = 'warn'): void {
    if (problem && problem !== this.#problem) this.#log[level](problem);
    this.#problem = problem;
  }

  #tell(): void {
    for (const [name, plugin] of this.#plugins) if (plugin.isGone) this.#plugins.delete(name);
    for (const listener of this.#listeners) listener();
  }
}
