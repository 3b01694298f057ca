import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { HostedFolder } from '../registry/hosted.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import { isHostedId } from '../registry/reservations.ts';
import type { PluginRecord, PluginStore } from '../resources/cluster-services.ts';
import { type DeclarationReport, declaredKeyOf } from '../resources/declared-plugin.ts';
import { composeDeclared } from './declared-record.ts';
import { composeHosted, hostedKeyOf } from './hosted-record.ts';
import { composeGone, composeRecord, instancesOf, recordKeyOf } from './plugin-record.ts';

/** Options of a `PluginResourceWriter`. Times in milliseconds. */
export interface PluginResourceOptions {
  /** How often a record is written at the most when something changes. Default 1,000. */
  settleTime?: number;
  /** How often a record is written when nothing changes but the time it was last heard. Default 60,000. */
  refreshInterval?: number;
  /** How long a plugin without an instance is remembered. Default 86,400,000, a day. */
  retention?: number;
}

/** Keeps a record of each plugin in a store: when something changes, and at a coarse interval, never at each beat. */
export class PluginResourceWriter {
  readonly #registry: Registry;
  readonly #store: PluginStore;
  readonly #log: Logger;
  readonly #options: Required<PluginResourceOptions>;
  readonly #hosted: Pick<HostedFolder, 'list' | 'subscribe'> | undefined;
  /** Of which records processes were last run from the folder. */
  #hostedKeys: readonly string[] = [];
  /** What the store has. */
  readonly #records = new Map<string, PluginRecord>();
  readonly #declared = new Map<string, DeclarationReport>();
  /** What the store had of declarations that haven't been heard of since. */
  readonly #undeclared = new Map<string, PluginRecord>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #failure = '';
  #unsubscribe: () => void = () => undefined;
  #unsubscribeHosted: (() => void) | undefined;

  /** @param hosted what the controller runs itself, if it does. */
  constructor(
    registry: Registry,
    store: PluginStore,
    log: Logger,
    options: PluginResourceOptions = {},
    hosted?: Pick<HostedFolder, 'list' | 'subscribe'>,
  ) {
    this.#registry = registry;
    this.#hosted = hosted;
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
        if (record.namespace !== undefined) {
          this.#undeclared.set(declaredKeyOf({ ...record, namespace: record.namespace }), record);
          continue;
        }
        this.#records.set(record.name, record);
        for (const { registration, lastHeardAt } of instancesOf(record)) {
          // Those that a controller has started itself ended with it.
          if (!isHostedId(registration.instanceId)) this.#registry.restore(registration, lastHeardAt);
        }
      }
    } catch (error) {
      this.#log.warn({ err: error }, `${messageOf(error)}; plugins are waited for`);
    }
    this.#unsubscribe = this.#registry.subscribe(({ instance }) => this.#note(recordKeyOf(instance)));
    for (const name of this.#records.keys()) this.#note(name);
    for (const instance of this.#registry.instances()) this.#note(recordKeyOf(instance));
    this.#unsubscribeHosted = this.#hosted?.subscribe(() => this.#noteHosted());
    this.#noteHosted();
    this.#refresh = setInterval(() => this.#refreshAll(), this.#options.refreshInterval);
    this.#refresh.unref();
  }

  /** Keeps a plugin that was declared, whether or not there are instances of it. Said again, it replaces what was said before. */
  declare(declaration: DeclarationReport): void {
    const key = declaredKeyOf(declaration.record);
    const former = this.#undeclared.get(key);
    if (former) this.#records.set(key, former);
    this.#undeclared.delete(key);
    this.#declared.set(key, declaration);
    this.#note(key);
  }

  /** All declarations that are there have been heard of: what was kept of others goes. */
  settleDeclarations(): void {
    for (const [key, record] of this.#undeclared) {
      if (record.ofGeneration !== undefined) continue;
      this.#records.set(key, record);
      this.#note(key);
    }
    this.#undeclared.clear();
  }

  /** A plugin is declared no more. Its record goes, unless that is its user's. */
  undeclare({ record, spec }: DeclarationReport): void {
    const key = declaredKeyOf(record);
    this.#declared.delete(key);
    if (spec) this.#records.set(key, { ...record, spec, status: {} });
    else this.#records.delete(key);
    this.#note(key);
  }

  /** Writes what has changed, and keeps no more. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#unsubscribeHosted?.();
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

  #noteHosted(): void {
    const keys = (this.#hosted?.list() ?? []).map(hostedKeyOf);
    for (const key of new Set([...this.#hostedKeys, ...keys])) this.#note(key);
    this.#hostedKeys = keys;
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
    const instances = Map.groupBy(this.#registry.instances(), recordKeyOf);
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

  async #saveOne(key: string, instances: readonly Instance[] = []): Promise<void> {
    const former = this.#records.get(key);
    const declaration = this.#declared.get(key);
    // Instances of a declaration that has just gone are let go one by one.
    const isLeft = !declaration && key.includes('/');
    const composed = isLeft ? undefined : this.#compose(declaration, instances, former);
    const hosted = this.#hosted?.list().filter((one) => hostedKeyOf(one) === key) ?? [];
    const record = composeHosted(composed, hosted, former);
    if (!record) {
      // What a user wrote is the user's to delete.
      if (former && former.ofGeneration === undefined) await this.#store.remove(former);
      this.#records.delete(key);
      return;
    }
    if (JSON.stringify(record) === JSON.stringify(former)) return;
    await this.#store.save(record);
    this.#records.set(key, record);
  }

  /** Nothing for a plugin that need not be remembered. */
  #compose(
    declaration: DeclarationReport | undefined,
    instances: readonly Instance[],
    former: PluginRecord | undefined,
  ): PluginRecord | undefined {
    if (declaration) return composeDeclared(declaration, instances, former);
    if (instances.length > 0) return composeRecord(instances, former);
    return former && !this.#isForgotten(former) ? composeGone(former) : undefined;
  }

  #isForgotten({ status }: PluginRecord): boolean {
    const lastSeen = Date.parse(String(status.lastSeen));
    return !(Date.now() - lastSeen < this.#options.retention);
  }
}
