// plugin-resources/: the known plugins, written as Plugin resources.

import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { visitAll } from '../queue/slices.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { HostedFolder } from '../registry/hosted.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import { isHostedId } from '../registry/reservations.ts';
import type { PluginRecord, PluginStore } from '../resources/cluster-services.ts';
import { type DeclarationReport, type DeclarationReporter, declaredKeyOf } from '../resources/declared-plugin.ts';
import { composeDeclared } from './declared-record.ts';
import { composeHosted, hostedKeyOf } from './hosted-record.ts';
import { type InstanceSummary, summarize } from './instance-summary.ts';
import { InstancesByRecord } from './instances-by-record.ts';
import { composeGone, composeRecord, instancesOf } from './plugin-record.ts';

/** Options of a `PluginResourceWriter`. Times in milliseconds. */
export interface PluginResourceOptions {
  /** Delay between a change and the write of its record, in which further changes are collected. Default 1,000. */
  settleTime?: number;
  /** Interval between writes of a record in which only the time of the last heartbeat changes. Default 60,000. */
  refreshInterval?: number;
  /** Time for which a plugin without instances is retained. Default 86,400,000 (1 day). */
  retention?: number;
  /** Maximum number of records of plugins that send heartbeats; those that exceed it are not written. Default 1,000. */
  maxRecords?: number;
}

/** Writes a record of each plugin to a store when it changes, and at a coarse interval, never at each heartbeat. */
export class PluginResourceWriter implements DeclarationReporter {
  readonly #registry: Registry;
  readonly #store: PluginStore;
  readonly #log: Logger;
  readonly #options: Required<PluginResourceOptions>;
  readonly #hosted: Pick<HostedFolder, 'list' | 'subscribe'> | undefined;
  /** Keys of the records of hosted plugins, as of the last change. */
  #hostedKeys: readonly string[] = [];
  /** Records in the store. */
  readonly #records = new Map<string, PluginRecord>();
  readonly #declared = new Map<string, DeclarationReport>();
  /** Records in the store of declarations that have not been reported since the start. */
  readonly #unreported = new Map<string, PluginRecord>();
  readonly #instances = new InstancesByRecord();
  readonly #queue: WorkQueue<string>;
  /** Keys of records with changes that have not been written. */
  readonly #changed = new Set<string>();
  /** Keys of plugins without a record, as there are too many. */
  readonly #omitted = new Set<string>();
  #failure = '';
  #unsubscribe: () => void = () => undefined;
  #unsubscribeHosted: (() => void) | undefined;

  /** @param hosted plugins that the controller runs itself, if any. */
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
    this.#options = {
      settleTime: readLimit(limitTable.pluginResources.settleTime, options.settleTime),
      refreshInterval: readLimit(limitTable.pluginResources.refreshInterval, options.refreshInterval),
      retention: readLimit(limitTable.pluginResources.retention, options.retention),
      maxRecords: readLimit(limitTable.pluginResources.maxRecords, options.maxRecords),
    };
    const { settleTime, refreshInterval } = this.#options;
    this.#queue = new WorkQueue({
      backOff: { initial: settleTime, max: refreshInterval },
      work: (key) => this.#work(key),
    });
  }

  /**
   * Restores the stored instances to the registry, as suspect, and starts to write. An unreadable store doesn't prevent the start,
   * as plugins register by their heartbeats.
   */
  async start(): Promise<void> {
    try {
      for (const record of await this.#store.load()) this.#restore(record);
    } catch (error) {
      this.#log.warn({ err: error }, `${messageOf(error)}; starting without the stored plugins`);
    }
    const update = (instance: Instance) => {
      // Its `Attachment` shows it.
      if (instance.registration.attachment !== undefined) return;
      for (const key of this.#instances.update(instance)) this.#note(key);
    };
    this.#unsubscribe = this.#registry.subscribe(({ instance }) => update(instance));
    for (const key of this.#records.keys()) this.#note(key);
    await visitAll(this.#registry.instances(), update);
    this.#unsubscribeHosted = this.#hosted?.subscribe(() => this.#noteHosted());
    this.#noteHosted();
  }

  /** Writes a declared plugin, with or without instances. Replaces an earlier report of the same declaration. */
  declare(report: DeclarationReport): void {
    const key = declaredKeyOf(report.record);
    const former = this.#unreported.get(key);
    if (former) this.#records.set(key, former);
    this.#unreported.delete(key);
    this.#declared.set(key, report);
    this.#note(key);
  }

  /** Removes the stored records of declarations that have not been reported since the start. */
  settleDeclarations(): void {
    for (const [key, record] of this.#unreported) {
      if (record.ofGeneration !== undefined) continue;
      this.#records.set(key, record);
      this.#note(key);
    }
    this.#unreported.clear();
  }

  /** Removes the record of a plugin that is no longer declared, unless a user owns it. */
  undeclare({ record, spec }: DeclarationReport): void {
    const key = declaredKeyOf(record);
    this.#declared.delete(key);
    if (spec) this.#records.set(key, { ...record, spec, status: {} });
    else this.#records.delete(key);
    this.#note(key);
  }

  /** Writes all changes, and stops. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#unsubscribeHosted?.();
    for (const key of this.#changed) this.#queue.add(key);
    await this.#queue.whenIdle();
    await this.#queue.close();
  }

  #restore(record: PluginRecord): void {
    if (record.namespace !== undefined) {
      this.#unreported.set(declaredKeyOf({ ...record, namespace: record.namespace }), record);
      return;
    }
    this.#records.set(record.name, record);
    const { plugin, owner, lastSeen } = record.status;
    if (typeof plugin === 'string' && typeof owner === 'string' && owner) {
      this.#registry.restoreName(plugin, owner, Date.parse(String(lastSeen)) || 0);
    }
    for (const { registration, lastHeardAt, identity } of instancesOf(record)) {
      // Hosted processes ended with the controller that ran them.
      if (!isHostedId(registration.instanceId)) this.#registry.restore(registration, lastHeardAt, identity);
    }
  }

  #note(key: string): void {
    this.#changed.add(key);
    this.#queue.addWithin(key, this.#options.settleTime);
  }

  #noteHosted(): void {
    const keys = (this.#hosted?.list() ?? []).map(hostedKeyOf);
    for (const key of new Set([...this.#hostedKeys, ...keys])) this.#note(key);
    this.#hostedKeys = keys;
  }

  async #work(key: string): Promise<WorkOutcome> {
    this.#changed.delete(key);
    try {
      await this.#save(key);
      this.#failure = '';
    } catch (error) {
      this.#changed.add(key);
      this.#logFailure(error);
      return { next: 'retry' };
    }
    return this.#records.has(key) || this.#omitted.has(key)
      ? { next: 'again', after: this.#options.refreshInterval }
      : { next: 'done' };
  }

  /** Logs a lasting failure once. */
  #logFailure(error: unknown): void {
    const message = messageOf(error);
    if (message !== this.#failure) this.#log.warn({ err: error }, `${message}; retrying`);
    this.#failure = message;
  }

  async #save(key: string): Promise<void> {
    const instances = await summarize(this.#instances.of(key));
    const former = this.#records.get(key);
    const record = this.#compose(key, instances, former);
    if (this.#isOmitted(key, record)) return;
    if (!record) {
      // A record that a user wrote is the user's to delete.
      if (former && former.ofGeneration === undefined) await this.#store.remove(former);
      this.#records.delete(key);
      return;
    }
    if (JSON.stringify(record) === JSON.stringify(former)) return;
    await this.#store.save(record);
    this.#records.set(key, record);
  }

  /** Reports whether a plugin that sends heartbeats gets no record, as there are too many. Logged when that begins. */
  #isOmitted(key: string, record: PluginRecord | undefined): boolean {
    const { maxRecords } = this.#options;
    const isNew = record?.spec.source === 'heartbeat' && !this.#records.has(key);
    if (!isNew || this.#records.size < maxRecords) {
      this.#omitted.delete(key);
      return false;
    }
    if (this.#omitted.size === 0) {
      this.#log.warn(
        `there are ${maxRecords} Plugin resources, the maximum; further plugins get none until some are gone; raise pluginResources.maxRecords`,
      );
    }
    this.#omitted.add(key);
    return true;
  }

  /** Composes the record of a plugin. Returns `undefined` for one that is not to be retained. */
  #compose(key: string, instances: InstanceSummary, former: PluginRecord | undefined): PluginRecord | undefined {
    const hosted = this.#hosted?.list().filter((one) => hostedKeyOf(one) === key) ?? [];
    return composeHosted(this.#composeKnown(key, instances, former), hosted, former);
  }

  #composeKnown(key: string, instances: InstanceSummary, former: PluginRecord | undefined): PluginRecord | undefined {
    const declaration = this.#declared.get(key);
    if (declaration) return composeDeclared(declaration, instances, former);
    // Instances of a removed declaration drain without a record.
    if (key.includes('/')) return undefined;
    if (instances.size > 0) return composeRecord(instances, former);
    return former && !this.#isExpired(former) ? composeGone(former) : undefined;
  }

  #isExpired({ status }: PluginRecord): boolean {
    const lastSeen = Date.parse(String(status.lastSeen));
    return !(Date.now() - lastSeen < this.#options.retention);
  }
}
