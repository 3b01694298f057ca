import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { CommandError } from '../command-error.ts';
import { describePlugin, type PluginCommand } from '../crd/describe-plugin.ts';
import { type DefinitionChoice, generateDefinitions } from '../crd/generate-definitions.ts';
import type { PluginDescription } from '../crd/plugin-description.ts';
import { commandTarget, findTarget } from '../dev/find-targets.ts';
import { Preparation } from '../dev/prepare.ts';
import type { Target } from '../dev/target.ts';
import { readDuration } from '../input/read-duration.ts';
import { formatDocuments } from '../output/document.ts';
import type { Terminal } from '../output/terminal.ts';
import { readFileDelegations } from '../validate/delegations-of-file.ts';

/** Options of `kplug crd`. */
export interface CrdOptions extends DefinitionChoice {
  config?: string;
  /** File to write. */
  write?: string;
  /** File to compare with. */
  check?: string;
  timeout: string;
  output: 'yaml' | 'json';
}

/** Generates CustomResourceDefinitions from the schemas of a plugin. Rejects with a `CommandError`. */
export async function crd(from: readonly string[], options: CrdOptions, terminal: Terminal): Promise<void> {
  const { config, write, check, timeout, output, ...choice } = options;
  if (write !== undefined && check !== undefined) throw new CommandError('usage', 'give either --write or --check');
  const { views, findings } = await readFileDelegations(config);
  const [fault] = findings;
  if (fault) throw new CommandError('usage', `${fault.file}${fault.line ? `:${fault.line}` : ''}: ${fault.message}`);
  const plugin = await describe(from, readDuration(timeout, '--timeout'), terminal);
  const { definitions, notes } = generateDefinitions(plugin, views, choice);
  for (const note of notes) terminal.say(`${terminal.errorColors.yellow('note:')} ${note}`);
  const text = formatDocuments(definitions, output);
  if (check !== undefined) return await compare(check, `${text}\n`, terminal);
  if (write === undefined) return terminal.print(text);
  await writeDefinitions(write, `${text}\n`);
  terminal.say(`wrote ${write}`);
}

/** Starts the plugin of a path or command, which describes itself. */
async function describe(from: readonly string[], timeout: number, terminal: Terminal): Promise<PluginDescription> {
  const [target, other] = await findPlugins(from);
  if (!target || other) {
    const found = [target, other].map((one) => one?.name).join(' and ');
    throw new CommandError('usage', `${from[0]} has several plugins, such as ${found}; give the file of one`);
  }
  await using preparation = new Preparation();
  const { command, environment, fault } = await preparation.prepare(target, AbortSignal.timeout(timeout));
  if (fault) {
    for (const line of fault.output ?? []) terminal.say(line);
    throw new CommandError('usage', `${target.name}: ${fault.message}`);
  }
  const plugin: PluginCommand = { command, cwd: target.folder, ...(environment && { environment }) };
  return await describePlugin(plugin, timeout, terminal.say);
}

async function findPlugins([first = '', ...others]: readonly string[]): Promise<Target[]> {
  return others.length > 0 ? [commandTarget([first, ...others], process.cwd())] : await findTarget(resolve(first));
}

async function writeDefinitions(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new CommandError('usage', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Compares a file with the generated text. Rejects if they differ, and prints the difference. */
async function compare(file: string, text: string, terminal: Terminal): Promise<void> {
  const found = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CommandError('usage', `cannot read ${file}: ${cause.message}; create it with --write ${file}`, { cause });
  });
  if (found === text) return terminal.say(`${file} is up to date`);
  const patch = createTwoFilesPatch(file, `${file} (generated)`, found, text, undefined, undefined, { context: 3 });
  terminal.print(patch.replace(/^=+\n/, '').trimEnd());
  throw new CommandError('failed', `${file} is outdated; run the same command with --write ${file}`);
}
