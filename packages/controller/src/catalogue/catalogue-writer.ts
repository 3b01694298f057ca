// catalogue/: the capabilities that can be asked for, written as ProvidedCapability resources.

import type { Logger } from 'pino';
import type { Delegations } from '../delegation/delegations.ts';
import { messageOf } from '../errors.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { visitAll } from '../queue/slices.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { CatalogueEntry, CatalogueStore } from '../resources/cluster-services.ts';
import { findCondition } from '../resources/conditions.ts';
import { jsonEquals } from '../resources/json.ts';
import type { Resource } from '../resources/resource.ts';
import { collectOffers, type Offer } from './collect-offers.ts';
import { composeEntry, composeGone, losesAnything } from './compose-entry.ts';

/** Options of a `CatalogueWriter`. Times in milliseconds. */
export interface CatalogueOptions {
  /** Delay between a change of plugins and the review of the catalogue, in which further changes are collected. Default 1,000. */
  settleTime?: number;
  /** Shortest interval between two writes of an entry. Default 10,000. */
  writeInterval?: number;
  /** Time after the start during which an entry loses nothing, as its plugins may still register again. Default 30,000. */
  startGrace?: number;
  /** Time for which a capability that nobody provides any more is listed, as unavailable. Default 300,000 (5 min). */
  retention?: number;
  /** Maximum number of listed capabilities; further ones are not shown. Default 1,000. */
  maxEntries?: number;
}

/** Dependencies of a `CatalogueWriter`. */
export interface CatalogueParts {
  registry: Pick<Registry, 'subscribe' | 'implementations'>;
  delegations: Pick<Delegations, 'onChange' | typeof Symbol.iterator>;
  store: CatalogueStore;
  /** Namespace of the operator, which owns the entries that it is named in. */
  operator: string;
  log: Logger;
}

/** Key of the work that finds the entries to write. Names of entries are not empty. */
const reviewKey = '';

/** Delay before work for which there was no token. */
const { writeSpacing } = limits.catalogue;

/**
 * Writes an entry for each capability that resources may ask for, when it changes. The stored entry is the one to which changes are
 * compared, so that what others change in it is undone, and nothing is written after a restart that changes nothing.
 */
export class CatalogueWriter {
  readonly #parts: CatalogueParts;
  readonly #options: Required<CatalogueOptions>;
  readonly #queue: WorkQueue<string>;
  readonly #bucket = new TokenBucket({ burst: limits.catalogue.writeBurst, interval: writeSpacing });
  #offers: ReadonlyMap<string, Offer> = new Map();
  /** Entries that were written, with the time by `performance.now()`. */
  readonly #written = new Map<string, { entry: CatalogueEntry; at: number }>();
  #startedAt = 0;
  #isReviewed = false;
  #failure = '';
  #isFull = false;
  /** True if there is no room for entries that nobody provides any more. */
  #isCrowded = false;
  #unsubscribe: (() => void)[] = [];

  constructor(parts: CatalogueParts, options: CatalogueOptions = {}) {
    this.#parts = parts;
    const { catalogue } = limitTable;
    this.#options = {
      settleTime: readLimit(catalogue.settleTime, options.settleTime),
      writeInterval: readLimit(catalogue.writeInterval, options.writeInterval),
      startGrace: readLimit(catalogue.startGrace, options.startGrace),
      retention: readLimit(catalogue.retention, options.retention),
      maxEntries: readLimit(catalogue.maxEntries, options.maxEntries),
    };
    this.#queue = new WorkQueue({
      backOff: { initial: this.#options.settleTime, max: limits.pluginResources.refreshInterval },
      work: (key) => (key === reviewKey ? this.#review() : this.#work(key)),
    });
  }

  /** Starts to follow the stored entries and to write. A catalogue that can't be read doesn't prevent the start. */
  async start(): Promise<void> {
    const { registry, delegations, store } = this.#parts;
    this.#startedAt = performance.now();
    this.#unsubscribe = [
      registry.subscribe((change) => this.#onPluginChange(change)),
      delegations.onChange(() => this.#reviewSoon()),
    ];
    await store.follow((name) => (name === undefined ? this.#reviewSoon() : this.#queue.add(name)));
    this.#reviewSoon();
  }

  /** Stops. The entries stay as they are: the next leader continues with them. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#queue.close();
  }

  #onPluginChange({ implementations, formerImplementations }: RegistryChange): void {
    const provides = [...implementations, ...formerImplementations].some(({ api }) => api.provides.length > 0);
    if (provides) this.#reviewSoon();
  }

  #reviewSoon(): void {
    this.#queue.addWithin(reviewKey, this.#options.settleTime);
  }

  async #review(): Promise<WorkOutcome> {
    const { registry, delegations, operator, store } = this.#parts;
    const found = await collectOffers({
      operator,
      delegations,
      implementations: (api) => registry.implementations(api),
    });
    this.#offers = this.#limit(found);
    this.#isReviewed = true;
    const names = new Set([...this.#offers.keys(), ...this.#written.keys()]);
    await visitAll(store.list(), (stored) => {
      if (this.#isOwn(stored)) names.add(stored.metadata.name);
    });
    this.#isCrowded = names.size > this.#options.maxEntries;
    await visitAll(names, (name) => this.#queue.add(name));
    return { next: 'done' };
  }

  /** Leaves out capabilities that are too many: those that have no entry yet. Logged when that begins. */
  #limit(offers: ReadonlyMap<string, Offer>): ReadonlyMap<string, Offer> {
    const { maxEntries } = this.#options;
    const isFull = offers.size > maxEntries;
    if (isFull && !this.#isFull) {
      this.#parts.log.warn(
        `plugins provide ${offers.size} capabilities, and ProvidedCapability resources list at most ${maxEntries}; raise catalogue.maxEntries`,
      );
    }
    this.#isFull = isFull;
    if (!isFull) return offers;
    const isStored = (name: string) => this.#parts.store.get(name) !== undefined;
    const [listed, others] = [
      [...offers].filter(([name]) => isStored(name)),
      [...offers].filter(([name]) => !isStored(name)),
    ];
    return new Map([...listed, ...others].slice(0, maxEntries));
  }

  async #work(name: string): Promise<WorkOutcome> {
    const { store } = this.#parts;
    // Until then, every stored entry would look as if nobody provided it. The review adds all of them.
    if (!this.#isReviewed) return { next: 'done' };
    if (store.problem) {
      if (this.#offers.has(name)) this.#logFailure(`capabilities can't be listed: ${store.problem.message}`);
      return { next: 'done' };
    }
    const stored = store.get(name);
    if (stored && this.#isOfAnother(name, stored)) return { next: 'done' };
    const entry = this.#compose(name, stored);
    if (!stored && !entry) this.#written.delete(name);
    if (isSame(stored, entry)) return this.#whenWritten(name, entry);
    const delay = this.#delayOf(name, stored, entry);
    if (delay > 0) return { next: 'again', after: delay };
    try {
      if (entry) await store.save(entry);
      else await store.remove(name);
      this.#failure = '';
    } catch (error) {
      this.#logFailure(`${messageOf(error)}; retrying`, error);
      return { next: 'retry' };
    }
    if (entry) this.#written.set(name, { entry, at: performance.now() });
    else this.#written.delete(name);
    return this.#whenWritten(name, entry);
  }

  /** Returns the entry as it should be; `undefined` for one that should not exist. */
  #compose(name: string, stored: Resource | undefined): CatalogueEntry | undefined {
    const { operator } = this.#parts;
    const offer = this.#offers.get(name);
    const written = this.#written.get(name)?.entry;
    if (offer) return composeEntry(offer, operator, written ?? stored);
    if (!stored) return undefined;
    const former = written ?? entryOfStored(stored);
    // One that another client made is removed immediately.
    if (!findCondition(former.status, 'Available')) return undefined;
    const gone = composeGone(former);
    return gone.name === name && !this.#isCrowded && this.#remaining(gone) > 0 ? gone : undefined;
  }

  /** Time until a write may be made: after the start, after the last write of the entry, and at the rate for all entries. */
  #delayOf(name: string, stored: Resource | undefined, entry: CatalogueEntry | undefined): number {
    const now = performance.now();
    const { startGrace, writeInterval } = this.#options;
    const grace = this.#startedAt + startGrace - now;
    if (grace > 0 && stored?.status && losesAnything(stored.status, entry?.status)) return grace;
    const spacing = (this.#written.get(name)?.at ?? Number.NEGATIVE_INFINITY) + writeInterval - now;
    if (spacing > 0) return spacing;
    return this.#bucket.take() ? 0 : writeSpacing;
  }

  /** Returns the next work for a written entry: the removal of one that nobody provides. */
  #whenWritten(name: string, entry: CatalogueEntry | undefined): WorkOutcome {
    if (!entry || this.#offers.has(name)) return { next: 'done' };
    return { next: 'again', after: Math.max(1, this.#remaining(entry)) };
  }

  /** Time for which an entry is kept that nobody provides, in milliseconds. */
  #remaining({ status }: CatalogueEntry): number {
    const since = Date.parse(findCondition(status, 'Available')?.lastTransitionTime ?? '');
    return Number.isNaN(since) ? 0 : since + this.#options.retention - Date.now();
  }

  #isOwn({ spec }: Resource): boolean {
    return spec?.operator === this.#parts.operator;
  }

  /** Reports whether an entry is that of another operator. Own ones are known by their names, whatever others change in them. */
  #isOfAnother(name: string, stored: Resource): boolean {
    return !this.#isOwn(stored) && !this.#offers.has(name) && !this.#written.has(name);
  }

  /** Logs a lasting failure once. */
  #logFailure(message: string, error?: unknown): void {
    if (message !== this.#failure) this.#parts.log.warn({ err: error }, message);
    this.#failure = message;
  }
}

function entryOfStored({ metadata: { name, labels = {} }, spec = {}, status = {} }: Resource): CatalogueEntry {
  return { name, labels, spec, status };
}

/** Reports whether the stored entry is as it should be. Further labels and annotations are those of others, and stay. */
function isSame(stored: Resource | undefined, entry: CatalogueEntry | undefined): boolean {
  if (!stored || !entry) return stored === undefined && entry === undefined;
  const { labels = {} } = stored.metadata;
  return (
    jsonEquals(stored.spec, entry.spec) &&
    jsonEquals(stored.status, entry.status) &&
    Object.entries(entry.labels).every(([label, value]) => labels[label] === value)
  );
}
