import { toJson } from '@bufbuild/protobuf';
import { type GetLoadResponse, GetLoadResponseSchema, printableJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { repeatUntilInterrupted } from '../input/interruption.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatAge } from '../output/age.ts';
import { clockTime } from '../output/clock-time.ts';
import { formatDocument } from '../output/document.ts';
import { delegationLoadTable, pluginLoadTable, timeCovered } from '../output/load-table.ts';
import { formatTable, plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Interval of reading the load while it is watched, in milliseconds. */
const interval = 2_000;

/** Options of `kplug top`. */
export interface TopOptions extends OperatorChoice {
  delegations?: boolean;
  sinceStart?: boolean;
  watch?: boolean;
  output: 'table' | 'wide' | 'json' | 'yaml';
}

/** Prints the load of plugins or delegations. */
export async function top(options: TopOptions, terminal: Terminal): Promise<void> {
  const client = await AdminClient.of(options);
  const read = async () => requireServed(await client.getLoad(), client);
  if (options.watch) return watch(read, options, terminal);
  const load = await read();
  terminal.print(isTable(options) ? formatLoad(load, options, terminal) : formatLoadDocument(load, options));
  for (const note of notesOn(load, options, client)) terminal.say(note);
}

/** Shows the load again and again, until SIGINT or SIGTERM. Without an answer, it shows the last load as stale. */
async function watch(read: () => Promise<GetLoadResponse>, options: TopOptions, terminal: Terminal): Promise<void> {
  let last: { load: GetLoadResponse; at: number } | undefined;
  await repeatUntilInterrupted(interval, async () => {
    let problem = '';
    try {
      last = { load: await read(), at: Date.now() };
    } catch (error) {
      if (!last || !(error instanceof CommandError) || error.failure !== 'unreachable') throw error;
      problem = error.message;
    }
    const { load, at } = last;
    if (!isTable(options)) {
      if (problem) terminal.say(`${terminal.errorColors.yellow('stale:')} ${plain(problem)}`);
      else terminal.print(formatLoadDocument(load, options));
      return;
    }
    const { colors } = terminal;
    const time = clockTime();
    const state = problem
      ? `${colors.red('stale')}: no answer for ${formatAge(Date.now() - at)}`
      : `over ${formatAge(timeCovered(load, options.sinceStart === true))}`;
    terminal.show([`${time}   ${state}`, formatLoad(load, options, terminal)].join('\n'));
  });
}

function isTable({ output }: TopOptions): boolean {
  return output === 'table' || output === 'wide';
}

function formatLoad(
  load: GetLoadResponse,
  { delegations, sinceStart, output }: TopOptions,
  { colors }: Terminal,
): string {
  const options = { sinceStart: sinceStart === true, wide: output === 'wide', colors, now: Date.now() };
  const content = delegations ? delegationLoadTable(load, options) : pluginLoadTable(load, options);
  return formatTable(content, colors);
}

/** Formats the load as a document; while it is watched, each JSON line or YAML document is one. */
function formatLoadDocument(load: GetLoadResponse, { output, watch: isWatched }: TopOptions): string {
  const content = toJson(GetLoadResponseSchema, load);
  if (output === 'yaml') return `${isWatched ? '---\n' : ''}${formatDocument(content, 'yaml')}`;
  return isWatched ? printableJson(JSON.stringify(content)) : formatDocument(content, 'json');
}

/** Returns what a reader of the table must know besides. */
function notesOn(
  { standby, plugins, dropped }: GetLoadResponse,
  { delegations }: TopOptions,
  { url }: AdminClient,
): string[] {
  return [
    ...(standby ? [`The operator at ${url} waits for leadership and does no passes; ask the leader.`] : []),
    ...(!delegations && plugins.length === 0 ? [`No plugin is registered with the operator at ${url}.`] : []),
    ...(!delegations && dropped > 0 ? [`${dropped} more plugins are not listed.`] : []),
  ];
}

function requireServed(load: GetLoadResponse | undefined, { url }: AdminClient): GetLoadResponse {
  if (load) return load;
  throw new CommandError(
    'failed',
    `the operator at ${url} is too old for this command; read ${url}/metrics, or upgrade it`,
  );
}
