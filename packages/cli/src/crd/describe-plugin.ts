import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { JsonValue } from '@kplug/controller';
import { signalGroup } from '@kplug/controller/tools';
import { messageOf, parseJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { type PluginDescription, readDescription } from './plugin-description.ts';

/** Command that starts a plugin. */
export interface PluginCommand {
  command: readonly [string, ...string[]];
  environment?: Readonly<Record<string, string>>;
  cwd: string;
}

/** Last part of the output of a failed plugin that is shown, in characters. */
const shownOutput = 4000;

/**
 * Runs a plugin that describes itself instead of serving, and returns the description. Rejects with a `CommandError` if it fails, or does not
 * exit within a time in milliseconds. @param showOutput gets the output of a plugin that fails
 */
export async function describePlugin(
  plugin: PluginCommand,
  timeout: number,
  showOutput: (text: string) => void,
): Promise<PluginDescription> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-crd-'));
  try {
    const file = join(folder, 'description.json');
    await runPlugin(plugin, file, timeout, showOutput);
    const text = await readFile(file, 'utf8').catch((cause) => {
      const message = `${describe(plugin)} exited without describing itself; update its SDK`;
      throw new CommandError('failed', message, { cause });
    });
    return readDescription(parseJson(text) as JsonValue);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runPlugin(
  plugin: PluginCommand,
  file: string,
  timeout: number,
  showOutput: (text: string) => void,
): Promise<void> {
  const { command, environment, cwd } = plugin;
  const [program, ...args] = command;
  const env = { ...process.env, ...environment, KPLUG_DESCRIBE: file, FORCE_COLOR: '0' };
  // A process group, as `go run` and others start the plugin as a child.
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output = [collect(child.stdout), collect(child.stderr)];
  const timer = setTimeout(() => child.pid !== undefined && signalGroup(child.pid, 'SIGKILL'), timeout);
  const [code, signal] = (await once(child, 'close')
    .catch((cause) => {
      throw new CommandError('usage', `cannot start ${describe(plugin)}: ${messageOf(cause)}`, { cause });
    })
    .finally(() => clearTimeout(timer))) as [number | null, NodeJS.Signals | null];
  if (code === 0) return;
  const printed = output.map((read) => read().trim()).filter(Boolean);
  if (printed.length > 0) showOutput(printed.join('\n'));
  const ending = signal ? `did not exit within ${timeout / 1000} s` : `exited with ${code}`;
  const advice = signal ? '; update its SDK, or give it more time with --timeout' : '';
  throw new CommandError('failed', `${describe(plugin)} ${ending}${advice}`);
}

/** Keeps the end of a stream. Returns a function that reads it. */
function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-shownOutput);
  });
  return () => text;
}

function describe({ command }: PluginCommand): string {
  return command.join(' ');
}
