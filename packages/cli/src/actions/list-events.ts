import { toJson } from '@bufbuild/protobuf';
import { EventType, printableJson, type RecordedEvent, RecordedEventSchema } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { repeatUntilInterrupted } from '../input/interruption.ts';
import { readResourceName } from '../input/resource-name.ts';
import { AdminClient, type EventFilter, type ListedEvents } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatDocument } from '../output/document.ts';
import { eventTable } from '../output/event-table.ts';
import { GrowingTable } from '../output/growing-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Interval of reading new Events, in milliseconds. */
const interval = 1_000;

/** Options of `kplug events`. */
export interface ListEventsOptions extends OperatorChoice {
  namespace?: string;
  allNamespaces?: boolean;
  types?: string;
  watch?: boolean;
  output: 'table' | 'json' | 'yaml';
}

/** Prints the Events that an operator recorded. @param target `KIND`, `KIND/NAME` or the name of a delegation; all if missing. */
export async function listEvents(
  target: string | undefined,
  options: ListEventsOptions,
  terminal: Terminal,
): Promise<void> {
  const { kind, name } = target === undefined ? {} : readResourceName(target);
  const type = readType(options.types);
  const client = await AdminClient.of(options);
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace);
  const filter = {
    ...(kind !== undefined && { kind }),
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(type !== undefined && { type }),
  };
  const read = async (after?: string) => requireServed(await client.listEvents(filter, after), client);
  if (options.watch) await follow(read, options, terminal);
  else show(await read(), filter, options, terminal);
}

function show({ events, dropped }: ListedEvents, filter: EventFilter, options: ListEventsOptions, terminal: Terminal) {
  const { output, allNamespaces = false } = options;
  if (output !== 'table') {
    const list = { events: events.map((event) => toJson(RecordedEventSchema, event)), dropped };
    terminal.print(formatDocument(list, output));
    return;
  }
  const { colors } = terminal;
  if (events.length === 0) terminal.say(describeNone(filter));
  else terminal.print(formatTable(eventTable(events, { allNamespaces, colors, now: Date.now() }), colors));
  if (dropped > 0) terminal.say(`${dropped} older Events are not listed; name a resource for all that are kept of it.`);
}

/** Prints the Events, and then each one that occurs, until SIGINT or SIGTERM. */
async function follow(
  read: (after?: string) => Promise<ListedEvents>,
  { output, allNamespaces = false }: ListEventsOptions,
  { colors, print }: Terminal,
): Promise<void> {
  const table = new GrowingTable(colors);
  let token: string | undefined;
  await repeatUntilInterrupted(interval, async () => {
    const { events, followToken } = await read(token);
    token = followToken;
    if (output === 'table') for (const line of table.add(eventTable(events, { allNamespaces, colors }))) print(line);
    else for (const event of events) print(formatEvent(event, output));
  });
}

/** Formats an Event as a JSON line or a YAML document. */
function formatEvent(event: RecordedEvent, output: 'json' | 'yaml'): string {
  const content = toJson(RecordedEventSchema, event);
  return output === 'json' ? printableJson(JSON.stringify(content)) : `---\n${formatDocument(content, 'yaml')}`;
}

function readType(text: string | undefined): EventType | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((one) => one.trim().toLowerCase());
  const unknown = names.find((one) => one !== 'normal' && one !== 'warning');
  if (unknown !== undefined) {
    throw new CommandError(
      'usage',
      `--types "${text}" has "${unknown}", which is no type; write Normal, Warning or both`,
    );
  }
  if (new Set(names).size > 1) return undefined;
  return names[0] === 'warning' ? EventType.WARNING : EventType.NORMAL;
}

function describeNone({ kind, name, namespace, type }: EventFilter): string {
  const which =
    type === undefined ? 'Events' : `Events of the type ${type === EventType.WARNING ? 'Warning' : 'Normal'}`;
  const of = kind ? ` of ${name ? `${kind}/${name}` : kind}` : '';
  const where = namespace === undefined ? 'any namespace' : `the namespace ${namespace}`;
  const advice = namespace === undefined || name ? '' : '; add -A for all namespaces';
  return `No ${which}${of} in ${where} since the operator started${advice}.`;
}

function requireServed(listed: ListedEvents | undefined, { url }: AdminClient): ListedEvents {
  if (listed) return listed;
  const advice = 'see those of a resource with "kplug explain KIND/NAME", or upgrade the operator';
  throw new CommandError('failed', `the operator at ${url} is too old to list Events; ${advice}`);
}
