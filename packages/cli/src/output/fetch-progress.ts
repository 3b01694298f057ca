import type { FetchedPlugin, PluginItem } from '@kplug/controller';
import type { Terminal } from './terminal.ts';

/** Hears how a plugin is coming. */
export interface Progress {
  onProgress(received: number, total: number | undefined): void;
  onUnpack(): void;
  onRetry(why: string): void;
  onFetched(plugin: FetchedPlugin): void;
}

/** Fetches an item, and tells how it is coming. Rejects when it doesn't. */
export type FetchOne = (item: PluginItem, progress: Progress) => Promise<void>;

/** How many are fetched at once. */
const concurrency = 3;

/** Shows on a terminal how items are coming, each in a line that changes. Never rejects for an item. */
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
          task.output = 'checking and unpacking';
        },
        onRetry: (why) => {
          task.output = why;
        },
        onFetched: (plugin) => {
          task.title = describeFetched(plugin);
        },
      }),
  }));
  const listr = new Listr(tasks, {
    concurrent: concurrency,
    exitOnError: false,
    // What went wrong is said once, at the end.
    rendererOptions: { showErrorMessage: false, collapseErrors: false, suffixRetries: false },
    silentRendererCondition: !colors.isColorSupported,
  });
  await listr.run();
}

/** Says how items are coming in lines, for logs and programs. Never rejects for an item. */
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
      // Whoever asked says what went wrong.
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
    onUnpack: () => terminal.say(`${text}: ${describeBytes(received, undefined)} have come; checking and unpacking`),
    onRetry: (why) => terminal.say(`${text}: ${why}`),
    onFetched: (plugin) => terminal.print(describeFetched(plugin)),
  };
}

function describeFetched({ item, path, kept, sha256 }: FetchedPlugin): string {
  const how = kept ? 'was in' : 'is in';
  return `${item.text} ${how} ${path}${item.sha256 ? '' : ` (sha256:${sha256})`}`;
}

function describeBytes(received: number, total: number | undefined): string {
  const amount = `${(received / 2 ** 20).toFixed(1)} MiB`;
  return total ? `${amount} of ${(total / 2 ** 20).toFixed(1)} MiB` : amount;
}
