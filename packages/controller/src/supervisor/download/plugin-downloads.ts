// supervisor/download/: plugins downloaded into the folder: archives, checks, installation, retries.
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { messageOf } from '../../errors.ts';
import { limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import { type BackOffOptions, backOffDelay } from '../../queue/back-off.ts';
import { type WorkOutcome, WorkQueue } from '../../queue/work-queue.ts';
import type { PluginDownload } from '../../registry/hosted.ts';
import { type FetchPluginOptions, fetchPlugin, removeUnused } from './install.ts';
import { folderNameOf, type PluginItem, parsePluginList } from './item.ts';
import { type DownloadOptions, urlsOf } from './source.ts';

/** List of plugins to download into the plugins folder. */
export interface PluginListOptions extends DownloadOptions {
  /** Items `<org>/<repository>@<release>[#sha256:<hex>]`, separated by commas or as a list. */
  items: string | readonly string[];
  /** Largest number of concurrent downloads. Default 3. */
  concurrency?: number;
  /** Delay before a failed download is retried, in milliseconds. Default 2,000, doubling up to 300,000. */
  backOff?: { initial?: number; max?: number };
}

/** Folder that receives the plugins. */
type DownloadTarget = Pick<FetchPluginOptions, 'directory' | 'allowWritable'>;

/** Downloads the plugins of a list, and retries each until it is installed. A failure delays no other download. */
export class PluginDownloads {
  readonly #items: readonly PluginItem[];
  readonly #options: PluginListOptions & DownloadTarget;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #states = new Map<PluginItem, PluginDownload>();
  readonly #backOff: BackOffOptions;
  readonly #stopping = new AbortController();
  readonly #queue: WorkQueue<PluginItem>;

  /** Throws `InvalidConfiguration`. */
  constructor(options: PluginListOptions & DownloadTarget, log: Logger, onChange: () => void) {
    this.#items = parsePluginList([options.items].flat().join(','));
    for (const item of this.#items) urlsOf(item, options);
    this.#options = options;
    this.#log = log;
    this.#onChange = onChange;
    this.#backOff = {
      initial: readLimit(limitTable.downloads.initialBackOff, options.backOff?.initial),
      max: readLimit(limitTable.downloads.maxBackOff, options.backOff?.max),
    };
    const concurrency = readLimit(limitTable.downloads.concurrency, options.concurrency);
    this.#queue = new WorkQueue({ concurrency, work: (item) => this.#fetch(item) });
    setMaxListeners(0, this.#stopping.signal);
    for (const item of this.#items) this.#update(item, { state: 'waiting' });
  }

  list(): readonly PluginDownload[] {
    return [...this.#states.values()];
  }

  /** Returns the failed downloads, by the names of their plugins in the folder. */
  failed(): ReadonlyMap<string, PluginDownload> {
    const failed = [...this.#states].filter(([, { state }]) => state === 'failed');
    return new Map(failed.map(([item, download]) => [folderNameOf(item), download]));
  }

  /** Starts the downloads. Removes leftovers of former ones first, so no plugin of the folder must run yet. */
  async start(): Promise<void> {
    await removeUnused(this.#options.directory, this.#options.allowWritable);
    for (const item of this.#items) this.#queue.add(item);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#queue.close();
  }

  async #fetch(item: PluginItem): Promise<WorkOutcome> {
    const { signal } = this.#stopping;
    try {
      this.#update(item, { state: 'downloading' });
      const { kept, sha256, path } = await fetchPlugin(item, {
        ...this.#options,
        signal,
        onProgress: (received, total) => this.#update(item, { state: 'downloading', received, total }),
        onUnpack: () => this.#update(item, { ...this.#states.get(item), state: 'unpacking' }),
      });
      this.#update(item, { ...this.#states.get(item), state: 'ready' });
      const pin = item.sha256 ? '' : `; pin it with ${item.text}#sha256:${sha256}`;
      const message = kept ? `${item.text} is already installed in ${path}` : `installed ${item.text} in ${path}${pin}`;
      this.#log.info({ item: item.text, sha256 }, message);
      return { next: 'done' };
    } catch (error) {
      return signal.aborted ? { next: 'done' } : this.#onFailure(item, error);
    }
  }

  #onFailure(item: PluginItem, error: unknown): WorkOutcome {
    const delay = Math.round(backOffDelay(this.#queue.failures(item) + 1, this.#backOff));
    const message = messageOf(error);
    this.#update(item, { state: 'failed', message, nextTryAt: Date.now() + delay });
    this.#log.error({ item: item.text }, `${item.text} can't be downloaded: ${message}; retrying in ${delay} ms`);
    return { next: 'retry', after: delay };
  }

  #update(item: PluginItem, news: Partial<PluginDownload> & Pick<PluginDownload, 'state'>): void {
    const { state, message = '', received = 0, total, nextTryAt } = news;
    const former = this.#states.get(item);
    const since = former?.state === state ? former.since : Date.now();
    this.#states.set(item, { item: item.text, state, message, received, total, since, nextTryAt });
    // Progress in bytes isn't announced; it is read on demand.
    if (former?.state !== state || former.message !== message) this.#onChange();
  }
}
