import { writeFile } from 'node:fs/promises';
import {
  conformAddress,
  conformCommand,
  type DelegatedOptions,
  formatJUnit,
  type Protocol,
  type Report,
  conformController as runControllerSuite,
  summarize,
} from '@kplug/conformance';
import { CommandError } from '../command-error.ts';
import { readDuration } from '../input/read-duration.ts';
import { type HeartbeatAccessOptions, readAccess } from '../input/read-heartbeat-access.ts';
import { readManifests } from '../input/read-manifests.ts';
import { reportTable } from '../output/conformance-report.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Output of a suite, and its selection of requirements. */
export interface ConformanceOptions {
  output: 'table' | 'json' | 'junit';
  junit?: string;
  only?: string[];
}

/** Options of `kplug conformance plugin`. */
export interface ConformPluginOptions extends ConformanceOptions {
  resource?: string[];
  kind?: string;
  protocol?: Protocol;
  timeout: string;
  interval: string;
}

/** Options of `kplug conformance controller`. */
export interface ConformControllerOptions extends ConformanceOptions, HeartbeatAccessOptions {
  api?: string;
  resource?: string[];
  kind?: string;
  manifests?: string;
  callTimeout: string;
}

/** Runs the plugin suite on an address or a command. Rejects when a MUST is not met. */
export async function conformPlugin(
  target: readonly string[],
  options: ConformPluginOptions,
  terminal: Terminal,
): Promise<void> {
  const [first = '', ...others] = target;
  const { resource: files = [], kind, protocol, only } = options;
  const suite = {
    manifests: files.length > 0 ? await readManifests(files) : [],
    kind,
    protocol,
    timeout: readDuration(options.timeout, '--timeout'),
    interval: readDuration(options.interval, '--interval'),
    only: readNumbers(only),
  };
  exitOnSignals();
  const isAddress = others.length === 0 && /^[^/\s]+:\d+$/.test(first);
  await report(isAddress ? await conformAddress(first, suite) : await conformCommand(target, suite), options, terminal);
}

/** Runs the controller suite on an address. Rejects when a MUST is not met. */
export async function conformController(
  address: string,
  options: ConformControllerOptions,
  terminal: Terminal,
): Promise<void> {
  const delegated = await readDelegated(options);
  exitOnSignals();
  const times = { call: readDuration(options.callTimeout, '--call-timeout') };
  const access = await readAccess(options);
  const suite = { only: readNumbers(options.only), delegated, times, access };
  await report(await runControllerSuite(address, suite), options, terminal);
}

async function readDelegated(options: ConformControllerOptions): Promise<DelegatedOptions | undefined> {
  const { api, resource: files, manifests: folder, kind } = options;
  if (api === undefined && files === undefined && folder === undefined) return undefined;
  if (api === undefined || files === undefined || folder === undefined) {
    throw new CommandError('usage', '--api, --resource and --manifests have to be given together');
  }
  const [, name = '', version = '1.0.0'] = /^([^@]+)(?:@(.+))?$/.exec(api) ?? [];
  return { api: { name, version }, manifests: await readManifests(files), kind, folder };
}

/** Prints a report. Rejects when a MUST is not met. */
async function report(result: Report, { output, junit }: ConformanceOptions, terminal: Terminal): Promise<void> {
  if (junit !== undefined) await writeReport(junit, formatJUnit(result));
  if (output === 'json') terminal.print(JSON.stringify(result, null, 2));
  else if (output === 'junit') terminal.print(formatJUnit(result));
  else terminal.print(formatTable(reportTable(result, terminal.colors), terminal.colors));
  terminal.say(summarize(result));
  const failed = result.verdicts.filter((verdict) => verdict.result === 'failed').map(({ number }) => number);
  if (failed.length === 0) return;
  const numbers = [...new Set(failed)].join(', ');
  throw new CommandError('failed', `not met: ${numbers}; see docs/plugin-specification.md`);
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, `${text}\n`);
  } catch (cause) {
    throw new CommandError('usage', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Exits on signals, so that exit handlers stop the plugin and remove files. */
function exitOnSignals(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

/** Splits numbers that are separated by commas. */
function readNumbers(only: readonly string[] | undefined): string[] | undefined {
  return only?.flatMap((word) => word.toUpperCase().split(',').filter(Boolean));
}
