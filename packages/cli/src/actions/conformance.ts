import { writeFile } from 'node:fs/promises';
import { conformController as tryController } from '../../../conformance/src/controller/conform-controller.ts';
import type { DelegatedOptions } from '../../../conformance/src/controller/delegated/delegated-trial.ts';
import { conformAddress, conformCommand } from '../../../conformance/src/plugin/conform-plugin.ts';
import type { Protocol } from '../../../conformance/src/plugin/life.ts';
import { formatJUnit, type Report, reportTable, summarize } from '../../../conformance/src/report.ts';
import { CommandError } from '../command-error.ts';
import { readDuration } from '../input/read-duration.ts';
import { readManifests } from '../input/read-manifests.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** How what was tried is printed, and which requirements are. */
export interface ConformanceOptions {
  output: 'table' | 'json' | 'junit';
  junit?: string;
  only?: string[];
}

/** What a plugin is tried with. */
export interface ConformPluginOptions extends ConformanceOptions {
  resource?: string[];
  kind?: string;
  protocol?: Protocol;
  timeout: string;
  interval: string;
}

/** What a controller is tried with. */
export interface ConformControllerOptions extends ConformanceOptions {
  api?: string;
  resource?: string[];
  kind?: string;
  manifests?: string;
}

/** Tries the plugin at an address, or one that a command starts. Rejects when it doesn't meet what it MUST. */
export async function conformPlugin(
  what: readonly string[],
  options: ConformPluginOptions,
  terminal: Terminal,
): Promise<void> {
  const [first = '', ...others] = what;
  const { resource: files = [], kind, protocol, only } = options;
  const trial = {
    manifests: files.length > 0 ? await readManifests(files) : [],
    kind,
    protocol,
    timeout: readDuration(options.timeout, '--timeout'),
    interval: readDuration(options.interval, '--interval'),
    only: readNumbers(only),
  };
  exitWhenStopped();
  const isAddress = others.length === 0 && /^[^/\s]+:\d+$/.test(first);
  await report(isAddress ? await conformAddress(first, trial) : await conformCommand(what, trial), options, terminal);
}

/** Tries the controller at an address. Rejects when it doesn't meet what it MUST. */
export async function conformController(
  address: string,
  options: ConformControllerOptions,
  terminal: Terminal,
): Promise<void> {
  const delegated = await readDelegated(options);
  exitWhenStopped();
  await report(await tryController(address, { only: readNumbers(options.only), delegated }), options, terminal);
}

async function readDelegated(options: ConformControllerOptions): Promise<DelegatedOptions | undefined> {
  const { api, resource: files, manifests: folder, kind } = options;
  if (api === undefined && files === undefined && folder === undefined) return undefined;
  if (api === undefined || files === undefined || folder === undefined) {
    const message =
      '--api, --resource and --manifests belong together: what is asked for, with what, and where to put it';
    throw new CommandError('usage', message);
  }
  const [, name = '', version = '1.0.0'] = /^([^@]+)(?:@(.+))?$/.exec(api) ?? [];
  return { api: { name, version }, manifests: await readManifests(files), kind, folder };
}

/** Prints a report. Rejects when something that MUST be met isn't. */
async function report(tried: Report, { output, junit }: ConformanceOptions, terminal: Terminal): Promise<void> {
  if (junit !== undefined) await writeReport(junit, formatJUnit(tried));
  if (output === 'json') terminal.print(JSON.stringify(tried, null, 2));
  else if (output === 'junit') terminal.print(formatJUnit(tried));
  else terminal.print(formatTable(reportTable(tried, terminal.colors), terminal.colors));
  terminal.say(summarize(tried));
  const failed = tried.verdicts.filter(({ result }) => result === 'failed').map(({ number }) => number);
  if (failed.length === 0) return;
  const numbers = [...new Set(failed)].join(', ');
  throw new CommandError('failed', `not met: ${numbers}; docs/plugin-specification.md says what each requires`);
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, `${text}\n`);
  } catch (cause) {
    throw new CommandError('usage', `the file ${file} can't be written: ${(cause as Error).message}`, { cause });
  }
}

/** What was started ends with this process, which it wouldn't if a signal ended that without a word. */
function exitWhenStopped(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

/** Numbers may be given in one word, with commas. */
function readNumbers(only: readonly string[] | undefined): string[] | undefined {
  return only?.flatMap((word) => word.toUpperCase().split(',').filter(Boolean));
}
