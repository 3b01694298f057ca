import { RefusalReason } from '@kplug/protocol';
import { formatLimit } from '../limits/format-limit.ts';
import type { Limit } from '../limits/limit.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { RefusedRegistration } from './refusal.ts';
import type { Registration } from './registration.ts';
import { sizeOf } from './registration-bounds.ts';

const { pluginMemory, maxDepartures, departureInterval, maxRemembered } = limits.holders;

/** Bounds of what the registry holds. Sizes in bytes. */
export interface RegistryQuota {
  /** Maximum size of the registrations of one host. Default 8 MiB. */
  maxSizePerHost?: number;
  /** Maximum size of all registrations. Default 48 MiB. */
  maxSize?: number;
  /** Maximum number of instances of one host. Default 20,000. */
  maxInstancesPerHost?: number;
  /** Maximum number of plugins, each with a name and a version, of one host. Default 256. */
  maxPluginsPerHost?: number;
}

/** Use of the registry by one holder. */
interface Use {
  size: number;
  instances: number;
  /** Number of instances of each plugin, and the time at which the last one left. */
  readonly plugins: Map<string, { instances: number; leftAt: number }>;
  /** Number of departures that count now, and the time at which they were counted. */
  departures: number;
  departedAt: number;
}

/**
 * Counts what the registry holds, by holder and in all, and refuses what exceeds the bounds. A holder is a host, or any other key that names
 * who brought a registration. Registrations without one, as those that the controller made itself, count only in all.
 */
export class HolderQuota {
  readonly #bounds: Readonly<Record<'maxSize' | 'maxTotalSize' | 'maxInstances' | 'maxPlugins', number>>;
  readonly #now: () => number;
  readonly #uses = new Map<string, Use>();
  #size = 0;

  /** @param now monotonic time, in milliseconds. */
  constructor(options: RegistryQuota, now: () => number) {
    const { holders } = limitTable;
    this.#bounds = {
      maxSize: readLimit(holders.maxSize, options.maxSizePerHost),
      maxTotalSize: readLimit(holders.maxTotalSize, options.maxSize),
      maxInstances: readLimit(holders.maxInstances, options.maxInstancesPerHost),
      maxPlugins: readLimit(holders.maxPlugins, options.maxPluginsPerHost),
    };
    this.#now = now;
  }

  /** Size of all registrations, in bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Checks whether a registration may be held in addition, or instead of a former one of the same holder. Throws `RefusedRegistration`, which
   * names the bound and its setting.
   */
  check(holder: string, registration: Registration, former?: Registration): void {
    const { maxSize, maxTotalSize, maxInstances, maxPlugins } = this.#bounds;
    const { holders } = limitTable;
    const added = sizeOf(registration) - (former ? sizeOf(former) : 0);
    if (added > 0 && this.#size + added > maxTotalSize)
      throw full('the registrations of all plugins', maxTotalSize, holders.maxTotalSize);
    const use = this.#uses.get(holder);
    if (!use) return;
    if (added > 0 && use.size + added > maxSize) throw full(`the registrations of ${holder}`, maxSize, holders.maxSize);
    if (!former && use.instances >= maxInstances)
      throw full(`the instances of ${holder}`, maxInstances, holders.maxInstances);
    if (!former && this.#departuresOf(use) >= maxDepartures) {
      throw new RefusedRegistration(
        RefusalReason.CAPACITY,
        `instances of ${holder} come and go too often: ${maxDepartures} have left recently; wait a minute, and keep processes running`,
      );
    }
    if (use.plugins.has(pluginOf(registration))) return;
    if (use.plugins.size >= maxPlugins) this.#forgetPlugins(use);
    if (use.plugins.size >= maxPlugins) {
      const what = `the plugins of ${holder}, with those that left in the last ${pluginMemory / 60_000} minutes,`;
      throw full(what, maxPlugins, holders.maxPlugins);
    }
  }

  add(holder: string, registration: Registration): void {
    const size = sizeOf(registration);
    this.#size += size;
    if (!holder) return;
    const use = this.#useOf(holder);
    use.size += size;
    use.instances++;
    const plugin = pluginOf(registration);
    const known = use.plugins.get(plugin);
    if (known) known.instances++;
    else use.plugins.set(plugin, { instances: 1, leftAt: 0 });
  }

  /** @param departed false if another registration takes its place. */
  remove(holder: string, registration: Registration, departed = true): void {
    const size = sizeOf(registration);
    this.#size -= size;
    const use = this.#uses.get(holder);
    if (!use) return;
    use.size -= size;
    use.instances--;
    const known = use.plugins.get(pluginOf(registration));
    if (known) {
      known.instances--;
      known.leftAt = this.#now();
    }
    if (!departed) return;
    use.departures = this.#departuresOf(use) + 1;
    use.departedAt = this.#now();
  }

  #useOf(holder: string): Use {
    const known = this.#uses.get(holder);
    if (known) return known;
    if (this.#uses.size >= maxRemembered) this.#forgetHolders();
    const use: Use = { size: 0, instances: 0, plugins: new Map(), departures: 0, departedAt: this.#now() };
    this.#uses.set(holder, use);
    return use;
  }

  #departuresOf({ departures, departedAt }: Use): number {
    return Math.max(0, departures - (this.#now() - departedAt) / departureInterval);
  }

  #forgetPlugins({ plugins }: Use): void {
    const oldest = this.#now() - pluginMemory;
    for (const [plugin, { instances, leftAt }] of plugins)
      if (instances === 0 && leftAt <= oldest) plugins.delete(plugin);
  }

  /** Removes what is remembered of holders without instances. */
  #forgetHolders(): void {
    for (const [holder, { instances }] of this.#uses) if (instances === 0) this.#uses.delete(holder);
  }
}

function pluginOf({ plugin, version }: Registration): string {
  return `${plugin.toLowerCase()}@${version}`;
}

function full(what: string, bound: number, limit: Limit): RefusedRegistration {
  const [setting = ''] = limit.settings ?? [];
  return new RefusedRegistration(
    RefusalReason.CAPACITY,
    `${what} have reached their maximum of ${formatLimit(limit, bound)}; stop some, register less, or raise ${setting}`,
  );
}
