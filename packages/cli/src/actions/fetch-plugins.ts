import {
  backOffDelay,
  type DownloadFailure,
  type FetchPluginOptions,
  fetchPlugin,
  type PluginItem,
  parsePluginList,
} from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { followInLines, followOnTerminal, type Progress } from '../output/fetch-progress.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug plugins fetch`. */
export interface FetchPluginsOptions {
  /** Comma-separated items, if no item is given as an argument. */
  plugins?: string;
  pluginsDir: string;
  pluginsBaseUrl?: string;
  pluginsNamePattern?: string;
  /** True, or a text that is `true` or `false`. */
  allowWritablePluginsDir?: boolean | string;
  attempts: string;
}

/** Back-off between attempts, in milliseconds. */
const backOff = { initial: 1_000 };

/** Downloads plugins concurrently. Rejects with a `CommandError` that lists all failures. */
export async function fetchPlugins(
  given: readonly string[],
  options: FetchPluginsOptions,
  terminal: Terminal,
): Promise<void> {
  const items = parsePluginList(given.length > 0 ? given.join(',') : (options.plugins ?? ''));
  if (items.length === 0) {
    throw new CommandError(
      'usage',
      'nothing to fetch; give an ITEM such as example/postgresql@v1.2.0, or set KPLUG_PLUGINS',
    );
  }
  const attempts = readAttempts(options.attempts);
  const { pluginsDir: directory, pluginsBaseUrl: baseUrl, pluginsNamePattern: namePattern } = options;
  const fetching: FetchPluginOptions = {
    directory,
    allowWritable: readSwitch(options.allowWritablePluginsDir ?? false),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(namePattern === undefined ? {} : { namePattern }),
  };
  const failures: { item: PluginItem; error: unknown }[] = [];
  const follow = process.stdout.isTTY && terminal.colors.isColorSupported ? followOnTerminal : followInLines;
  await follow(items, terminal, async (item, progress) => {
    try {
      await fetchWithRetries(item, fetching, attempts, progress);
    } catch (error) {
      failures.push({ item, error });
      throw error;
    }
  });
  if (failures.length > 0) throw summarize(failures);
}

async function fetchWithRetries(
  item: PluginItem,
  fetching: FetchPluginOptions,
  attempts: number,
  progress: Progress,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { onProgress, onUnpack } = progress;
      progress.onFetched(await fetchPlugin(item, { ...fetching, onProgress, onUnpack }));
      return;
    } catch (error) {
      // A retry cannot help if the release is missing or its content is wrong.
      if (!isFailure(error) || error.isLasting || attempt >= attempts) throw error;
      // Without jitter, as the message names the delay.
      const wait = backOffDelay(attempt, backOff, () => 1);
      progress.onRetry(`${error.message}; attempt ${attempt + 1} of ${attempts} in ${wait / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function summarize(failures: readonly { item: PluginItem; error: unknown }[]): CommandError {
  const messages = failures.map(({ item, error }) => `cannot fetch ${item.text}: ${(error as Error).message}`);
  const areMissing = failures.every(({ error }) => isFailure(error) && error.code === 'NotFound');
  return new CommandError(areMissing ? 'notFound' : 'failed', messages.join('; '), { cause: failures[0]?.error });
}

function isFailure(error: unknown): error is DownloadFailure {
  return error instanceof Error && 'isLasting' in error;
}

function readSwitch(given: boolean | string): boolean {
  if (typeof given === 'boolean') return given;
  if (given === 'true' || given === 'false') return given === 'true';
  throw new CommandError('usage', `--allow-writable-plugins-dir "${given}" is neither true nor false`);
}

function readAttempts(text: string): number {
  const attempts = Number(text);
  if (Number.isInteger(attempts) && attempts >= 1) return attempts;
  throw new CommandError('usage', `--attempts "${text}" is not a number of attempts; write one such as 3`);
}
