import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { PluginRecord, PluginStore } from '../resources/surroundings.ts';
import { composeGone, composeRecord, instancesOf, recordNameOf } from './plugin-record.ts';

/** Options of a `PluginKeeper`. Times in milliseconds. */
export interface PluginKeeperOptions {
  /** How often a record is written at the most when something changes. Default 1,000. */
  settleTime?: number;
  /** How often a record is written when nothing changes but the time it was last heard. Default 60,000. */
  refreshInterval?: number;
  /** How long a plugin without an instance is remembered. Default 86,400,000, a day. */
  retention?: number;
}

/** Keeps a record of each plugin in a store: when something changes, and at a coarse interval, never at each beat. */
export class PluginKeeper {
  readonly #registry: Registry;
  readonly #store: PluginStore;
  readonly #log: Logger;
  readonly #options: Required<PluginKeeperOptions>;
  /** What the store has. */
  readonly #records = new Map<string, PluginRecord>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #failure = '';
  #unsubscribe: () => void = () => undefined;

  constructor(registry: Registry, store: PluginStore, log: Logger, options: PluginKeeperOptions = {}) {
    this.#registry = registry;
    this.#store = store;
    this.#log = log;
    this.#options = { settleTime: 1_000, refreshInterval: 60_000, retention: 86_400_000, ...options };
  }

  /**
   * Takes the instances that the records name into the registry, as suspect, and begins to keep. A store that can't be read is
   * no reason not to start: the plugins will be heard.
   */
  async start(): Promise<void> {
    try {
      for (const record of await this.#store.load()) {
        this.#records.set(record.name, record);
        for (const { registration, lastHeardAt } of instancesOf(record))
          this.#registry.restore(registration, lastHeardAt);
      }
    } catch (error) {
      this.#log.warn({ err: error }, `${messageOf(error)}; plugins are waited for`);
    }
    this.#unsubscribe = this.#registry.subscribe(({ instance }) => this.#note(recordNameOf(instance.registration)));
    for (const name of this.#records.keys()) this.#note(name);
    for (const { registration } of this.#registry.instances()) this.#note(recordNameOf(registration));
    this.#refresh = setInterval(() => this.#refreshAll(), this.#options.refreshInterval);
    this.#refresh.unref();
  }

  /** Writes what has changed, and keeps no more. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    clearInterval(this.#refresh);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#save();
    await this.#saving;
  }

  #note(name: string): void {
    this.#changed.add(name);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, this.#options.settleTime).unref();
  }

  #refreshAll(): void {
    for (const name of this.#records.keys()) this.#changed.add(name);
    this.#save();
  }

  #save(): void {
    this.#saving = this.#saving.then(() => this.#saveChanged());
  }

  async #saveChanged(): Promise<void> {
    const names = [...this.#changed];
    this.#changed.clear();
    const instances = Map.groupBy(this.#registry.instances(), ({ registration }) => recordNameOf(registration));
    for (const name of names) {
      try {
        await this.#saveOne(name, instances.get(name));
        this.#failure = '';
      } catch (error) {
        this.#changed.add(name);
        const message = messageOf(error);
        // Said once for as long as it stays the same; tried again at the next change or refresh.
        if (message !== this.#failure) this.#log.warn({ err: error }, message);
        this.#failure = message;
      }
    }
  }

  async #saveOne(name: string, instances: readonly Instance[] | undefined): Promise<void> {
    const former = this.#records.get(name);
    if (!instances && !former) return;
    if (!instances && former && this.#isForgotten(former)) {
      await this.#store.remove(name);
      this.#records.delete(name);
      return;
    }
    const record = instances ? composeRecord(instances, former) : composeGone(former ?? { name, spec: {}, status: {} });
    if (JSON.stringify(record) === JSON.stringify(former)) return;
    await this.#store.save(record);
    this.#records.set(name, record);
  }

  #isForgotten({ status }: PluginRecord): boolean {
    const lastSeen = Date.parse(String(status.lastSeen));
    return !(Date.now() - lastSeen < this.#options.retention);
  }
}
