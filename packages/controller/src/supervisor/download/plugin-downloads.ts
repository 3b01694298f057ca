import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { messageOf } from '../../errors.ts';
import { BackOff } from '../../queue/back-off.ts';
import type { PluginDownload } from '../../registry/hosted.ts';
import { type FetchPluginOptions, fetchPlugin, removeUnused } from './install.ts';
import { folderNameOf, type PluginItem, parsePluginList } from './item.ts';
import { urlsOf } from './source.ts';

/** A list of plugins that are fetched into the plugins folder. */
export interface PluginListOptions extends Pick<FetchPluginOptions, 'baseUrl' | 'namePattern' | 'maxBytes' | 'limits'> {
  /** `<org>/<repository>@<release>[#sha256:<hex>]`, between commas or one by one. */
  items: string | readonly string[];
  /** How many are fetched at once. Default 3. */
  concurrency?: number;
  /** How long to wait before one that failed is tried again, in milliseconds. Default 2,000, doubling up to 300,000. */
  backOff?: { initial?: number; max?: number };
}

/** Fetches the plugins of a list, each until it is there. One that fails holds no other up. */
export class PluginDownloads {
  readonly #items: readonly PluginItem[];
  readonly #options: PluginListOptions & { directory: string };
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #states = new Map<PluginItem, PluginDownload>();
  readonly #backOff: BackOff<PluginItem>;
  readonly #stopping = new AbortController();
  readonly #waiting: PluginItem[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** Throws `InvalidConfiguration`. */
  constructor(options: PluginListOptions & { directory: string }, log: Logger, onChange: () => void) {
    this.#items = parsePluginList([options.items].flat().join(','));
    for (const item of this.#items) urlsOf(item, options);
    this.#options = options;
    this.#log = log;
    this.#onChange = onChange;
    this.#backOff = new BackOff({ initial: 2_000, max: 300_000, ...options.backOff });
    setMaxListeners(0, this.#stopping.signal);
    for (const item of this.#items) this.#note(item, { state: 'waiting' });
  }

  list(): readonly PluginDownload[] {
    return [...this.#states.values()];
  }

  /** The downloads that have failed, by the names that their plugins have or would have in the folder. */
  failed(): ReadonlyMap<string, PluginDownload> {
    const failed = [...this.#states].filter(([, { state }]) => state === 'failed');
    return new Map(failed.map(([item, download]) => [folderNameOf(item), download]));
  }

  /** Begins. What is left of former downloads is removed, so nothing of the folder must run yet. */
  async start(): Promise<void> {
    await removeUnused(this.#options.directory);
    this.#waiting.push(...this.#items);
    this.#startWaiting();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #startWaiting(): void {
    while (this.#running.size < (this.#options.concurrency ?? 3) && !this.#stopping.signal.aborted) {
      const item = this.#waiting.shift();
      if (!item) return;
      const running = this.#fetch(item).finally(() => {
        this.#running.delete(running);
        this.#startWaiting();
      });
      this.#running.add(running);
    }
  }

  async #fetch(item: PluginItem): Promise<void> {
    const { signal } = this.#stopping;
    try {
      this.#note(item, { state: 'downloading' });
      const { kept, sha256, path } = await fetchPlugin(item, {
        ...this.#options,
        signal,
        onProgress: (received, total) => this.#note(item, { state: 'downloading', received, total }),
        onUnpack: () => this.#note(item, { ...this.#states.get(item), state: 'unpacking' }),
      });
      this.#backOff.reset(item);
      this.#note(item, { ...this.#states.get(item), state: 'ready' });
      const pin = item.sha256 ? '' : `; pin it by ${item.text}#sha256:${sha256}`;
      this.#log.info({ item: item.text, sha256 }, `${item.text} is in ${path}${kept ? ', as before' : pin}`);
    } catch (error) {
      if (!signal.aborted) this.#onFailure(item, error);
    }
  }

  #onFailure(item: PluginItem, error: unknown): void {
    const wait = this.#backOff.fail(item);
    const message = messageOf(error);
    this.#note(item, { state: 'failed', message, nextTryAt: Date.now() + wait });
    this.#log.error(
      { item: item.text },
      `${item.text} can't be fetched: ${message}; it is tried again in ${Math.round(wait)} ms`,
    );
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#waiting.push(item);
      this.#startWaiting();
    }, wait).unref();
    this.#timers.add(timer);
  }

  #note(item: PluginItem, news: Partial<PluginDownload> & Pick<PluginDownload, 'state'>): void {
    const { state, message = '', received = 0, total, nextTryAt } = news;
    const before = this.#states.get(item);
    const since = before?.state === state ? before.since : Date.now();
    this.#states.set(item, { item: item.text, state, message, received, total, since, nextTryAt });
    // Who wants to know how many bytes have come asks.
    if (before?.state !== state || before.message !== message) this.#onChange();
  }
}
