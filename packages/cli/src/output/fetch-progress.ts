import type { FetchedPlugin, PluginItem } from '@kplug/controller/tools';
import type { Terminal } from './terminal.ts';

/** Callbacks for the progress of a download. */
export interface Progress {
  onProgress(received: number, total: number | undefined): void;
  onUnpack(): void;
  onRetry(reason: string): void;
  onFetched(plugin: FetchedPlugin): void;
}

/** Downloads an item and reports its progress. Rejects on failure. */
export type FetchOne = (item: PluginItem, progress: Progress) => Promise<void>;

/** Number of concurrent downloads. */
const concurrency = 3;

/** Shows the progress of items on a terminal, each in an updated line. Does not reject for failed items. */
export async function followOnTerminal(
  items: readonly PluginItem[],
  { colors }: Terminal,
  fetchOne: FetchOne,
): Promise<void> {
  const { Listr } = await import('listr2');
  const tasks = items.map((item) => ({
    title: item.text,
    task: (_: unknown, task: { title?: string; output: string }) =>
      fetchOne(item, {
        onProgress: (received, total) => {
          task.output = describeBytes(received, total);
        },
        onUnpack: () => {
          task.output = 'verifying and unpacking';
        },
        onRetry: (reason) => {
          task.output = reason;
        },
        onFetched: (plugin) => {
          task.title = describeFetched(plugin);
        },
      }),
  }));
  const listr = new Listr(tasks, {
    concurrent: concurrency,
    exitOnError: false,
    // Failures are printed once, at the end.
    rendererOptions: { showErrorMessage: false, collapseErrors: false, suffixRetries: false },
    silentRendererCondition: !colors.isColorSupported,
  });
  await listr.run();
}

/** Prints the progress of items in lines, for logs. Does not reject for failed items. */
export async function followInLines(
  items: readonly PluginItem[],
  terminal: Terminal,
  fetchOne: FetchOne,
): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      terminal.say(`${item.text}: fetching`);
      const progress = linesFor(item, terminal);
      // The caller reports failures.
      await fetchOne(item, progress).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function linesFor({ text }: PluginItem, terminal: Terminal): Progress {
  let received = 0;
  return {
    onProgress: (bytes) => {
      received = bytes;
    },
    onUnpack: () => terminal.say(`${text}: received ${describeBytes(received, undefined)}; verifying and unpacking`),
    onRetry: (reason) => terminal.say(`${text}: ${reason}`),
    onFetched: (plugin) => terminal.print(describeFetched(plugin)),
  };
}

function describeFetched({ item, path, kept, sha256 }: FetchedPlugin): string {
  const prefix = kept ? 'already in' : 'saved to';
  return `${item.text} ${prefix} ${path}${item.sha256 ? '' : ` (sha256:${sha256})`}`;
}

function describeBytes(received: number, total: number | undefined): string {
  const amount = `${(received / 2 ** 20).toFixed(1)} MiB`;
  return total ? `${amount} of ${(total / 2 ** 20).toFixed(1)} MiB` : amount;
}
