import type { Logger } from 'pino';
import { limits } from '../../limits/limits.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import type { Walks } from '../../queue/walks.ts';
import type { RegistryChange } from '../../registry/registry.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import type { Suspensions } from '../../selection/select.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { Breaker } from './breaker.ts';

const { maxProbeInterval, maxRefreshedReasons, refreshDelay, refreshSpacing } = limits.delegation;

/** Method of a plugin. Each has a breaker of its own: a plugin whose `Finalize` hangs may still answer `Reconcile`. */
export type PluginMethod = 'Reconcile' | 'Finalize';

/** A plugin that gets no calls of a method, as they time out. */
export interface SuspendedPlugin {
  plugin: string;
  version: string;
  method: PluginMethod;
}

/** Dependencies of breakers. */
export interface BreakersOptions {
  settings: Pick<DelegationSettings, 'api' | 'breaker' | 'rules'>;
  log: Logger;
  /** Walks over many resources. Their owner stops them. */
  walks: Walks;
  /** Called when a plugin is suspended, and when it isn't any more. */
  onChange: () => void;
  /** Queues a resource that was held. */
  resume: (key: ResourceKey) => void;
  /** Queues a held resource within a delay, in milliseconds, so that its status states the present reason. */
  refreshWithin: (key: ResourceKey, delay: number) => void;
}

interface Entry extends VersionedName {
  method: PluginMethod;
  breaker: Breaker;
}

/** Circuit breakers of the plugins of one delegation: plugins whose calls time out are suspended until one answers again. */
export class Breakers {
  readonly #options: BreakersOptions;
  /** Breakers of the plugins that are suspended, or whose last calls timed out. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: BreakersOptions) {
    this.#options = options;
  }

  /** Returns the plugins that are suspended. */
  get suspended(): SuspendedPlugin[] {
    return [...this.#entries.values()]
      .filter(({ breaker }) => breaker.isOpen)
      .map(({ plugin, version, method }) => ({ plugin: plugin.text, version, method }));
  }

  /**
   * Returns the suspensions for the choice of a plugin; `undefined` if there are none. With `key`, those for one resource, which
   * may be a probe.
   */
  suspensions(method: PluginMethod, key?: ResourceKey): Suspensions | undefined {
    if (this.#entries.size === 0) return undefined;
    const { breaker, rules } = this.#options.settings;
    return {
      fallback: breaker.fallback && rules.mode === 'one',
      explain: (plugin) => {
        const entry = this.#find(plugin, method);
        const isAllowed = !entry?.breaker.isOpen || (key !== undefined && entry.breaker.allows(key));
        return isAllowed ? undefined : `it ${this.#explain(entry)}`;
      },
    };
  }

  /**
   * Describes the suspension of a plugin with its next probe, for statuses; `undefined` if it isn't suspended. The text doesn't
   * change when a probe starts, so that statuses aren't written for that.
   */
  describe(plugin: VersionedName, method: PluginMethod): string | undefined {
    const entry = this.#find(plugin, method);
    if (!entry?.breaker.isOpen) return undefined;
    return `${formatPlugin(plugin)} ${this.#explain(entry)}; next probe at ${formatTime(entry.breaker.probeAt)}`;
  }

  /** Describes the suspension of a plugin with its present state. */
  describeNow(plugin: VersionedName, method: PluginMethod): string | undefined {
    const entry = this.#find(plugin, method);
    if (!entry?.breaker.isProbing) return this.describe(plugin, method);
    return `${formatPlugin(plugin)} ${this.#explain(entry)}; a probe is in progress`;
  }

  /** Reports whether a plugin may be called for a resource. If not, the resource is held until it is resumed. */
  allows(plugin: VersionedName, method: PluginMethod, key: ResourceKey): boolean {
    const breaker = this.#find(plugin, method)?.breaker;
    if (!breaker || breaker.allows(key)) return true;
    breaker.hold(key);
    return false;
  }

  /** Claims a call. Returns false if it may not be made; then the resource is held until it is resumed. */
  admit(plugin: VersionedName, method: PluginMethod, key: ResourceKey): boolean {
    return this.#find(plugin, method)?.breaker.admit(key) !== false || this.allows(plugin, method, key);
  }

  /** Records an answer of any sort. */
  answered(plugin: VersionedName, method: PluginMethod): void {
    const entry = this.#find(plugin, method);
    if (!entry) return;
    this.#entries.delete(idOf(plugin, method));
    const { held } = entry.breaker;
    if (!entry.breaker.answered()) return;
    const resumed = held > 0 ? `; ${held} waiting resources are resumed` : '';
    this.#options.onChange();
    this.#options.log.info(this.#fields(entry), `${formatPlugin(plugin)} answers calls of ${method} again${resumed}`);
  }

  /** Records a call that timed out. */
  timedOut(plugin: VersionedName, method: PluginMethod, key: ResourceKey): void {
    const entry = this.#find(plugin, method) ?? this.#create(plugin, method);
    if (!entry.breaker.timedOut(key)) return;
    this.#options.onChange();
    this.#options.log.warn(
      this.#fields(entry),
      `${this.describe(plugin, method)}; its resources wait until it answers again`,
    );
  }

  /** Records that a pass starts. */
  started(key: ResourceKey): void {
    for (const { breaker } of this.#entries.values()) breaker.started(key);
  }

  /** Records the end of a pass. */
  passed(key: ResourceKey): void {
    for (const { breaker } of this.#entries.values()) breaker.passed(key);
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    for (const { breaker } of this.#entries.values()) breaker.forget(key);
  }

  /** Probes a plugin immediately when a new instance or version of it registers, or one recovers. Forgets one that is gone. */
  onPluginChange({ instance, from, registrationChanged, implementations }: RegistryChange): void {
    const isNew = from === undefined || registrationChanged || (instance.state === 'live' && from === 'suspect');
    for (const [id, entry] of this.#entries) {
      const affected = implementations.filter(({ plugin, api }) => {
        return plugin.equals(entry.plugin) && api.name === this.#options.settings.api;
      });
      const isGone = affected.some(({ version, size }) => version === entry.version && size === 0);
      if (isGone) {
        this.#entries.delete(id);
        entry.breaker.reset();
        this.#options.onChange();
      } else if (isNew && affected.length > 0) entry.breaker.probeNow();
    }
  }

  /** Resumes the resources of plugins that are to be called again, such as those with new code, and forgets their time-outs. */
  reset(includes: (plugin: VersionedName) => boolean): void {
    const reset = [...this.#entries].filter(([, entry]) => includes(entry));
    for (const [id, { breaker }] of reset) {
      this.#entries.delete(id);
      breaker.reset();
    }
    if (reset.length > 0) this.#options.onChange();
  }

  stop(): void {
    for (const { breaker } of this.#entries.values()) breaker.stop();
    this.#entries.clear();
  }

  #find(plugin: VersionedName, method: PluginMethod): Entry | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(idOf(plugin, method));
  }

  #create({ plugin, version }: VersionedName, method: PluginMethod): Entry {
    const { walks, resume } = this.#options;
    const { timeouts, coolDown: initial } = this.#options.settings.breaker;
    const breaker = new Breaker({
      timeouts,
      coolDown: { initial, max: maxProbeInterval },
      resume: (keys) => walks.visitAll(keys, resume),
      onPostponed: (keys) => this.#refresh(keys),
    });
    const entry = { plugin, version, method, breaker };
    this.#entries.set(idOf(entry, method), entry);
    return entry;
  }

  /** Lets the statuses of some resources state when the next probe is. The others state that of an earlier one. */
  #refresh(keys: Iterable<ResourceKey>): void {
    let refreshed = 0;
    for (const key of keys) {
      if (refreshed === maxRefreshedReasons) return;
      this.#options.refreshWithin(key, refreshDelay + refreshed * refreshSpacing);
      refreshed++;
    }
  }

  #explain({ method, breaker }: Entry): string {
    const { timeouts } = this.#options.settings.breaker;
    const calls = timeouts === 1 ? `a call of ${method}` : `calls of ${method} for ${timeouts} resources in a row`;
    return `has been suspended since ${formatTime(breaker.openedAt)}, as ${calls} timed out`;
  }

  #fields({ plugin, version, method }: Entry) {
    return { plugin: plugin.text, version, method };
  }
}

function idOf({ plugin, version }: VersionedName, method: PluginMethod): string {
  return `${plugin.key}@${version}/${method}`;
}

function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
