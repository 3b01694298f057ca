import { printableJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { repeatUntilInterrupted } from '../input/interruption.ts';
import { readResourceName } from '../input/resource-name.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { clockTime } from '../output/clock-time.ts';
import { formatDocument } from '../output/document.ts';
import type { Terminal } from '../output/terminal.ts';
import { formatDot } from '../output/trace-dot.ts';
import { formatTrace } from '../output/trace-tree.ts';
import { readTrace, type Trace } from '../trace/read-trace.ts';

/** Interval of reading the trace while it is watched, in milliseconds. */
const watchInterval = 500;

/** Options of `kplug trace`. */
export interface TraceOptions extends OperatorChoice {
  namespace?: string;
  watch?: boolean;
  output: 'tree' | 'json' | 'yaml' | 'dot';
}

/** Prints a resource with all it depends on, and the root cause of its state. @param target `KIND/NAME` */
export async function trace(target: string, options: TraceOptions, terminal: Terminal): Promise<void> {
  const { kind, name } = readResourceName(target);
  if (!name) throw new CommandError('usage', `"${target}" has no name; write KIND/NAME, such as DatabaseTable/users`);
  const client = await AdminClient.of(options);
  const resource = { kind, namespace: options.namespace ?? client.namespace, name };
  const read = () => readTrace(client, resource);
  if (options.watch) await watch(read, options, terminal);
  else terminal.print(format(await read(), options, terminal));
}

/** Prints the trace whenever it changes, until SIGINT or SIGTERM. */
async function watch(read: () => Promise<Trace>, options: TraceOptions, terminal: Terminal): Promise<void> {
  let printed = '';
  await repeatUntilInterrupted(watchInterval, async () => {
    const current = await read();
    // Ages change all the time.
    const { resource, diagnosis } = current;
    const content = JSON.stringify([resource, diagnosis?.summary, diagnosis?.stale.length]);
    if (content !== printed) terminal.print(`${separatorOf(printed, options)}${format(current, options, terminal)}`);
    printed = content;
  });
}

/** Returns what precedes a trace that isn't the first one. */
function separatorOf(printed: string, { output }: TraceOptions): string {
  if (output === 'yaml') return '---\n';
  if (output === 'json') return '';
  return `${printed && '\n'}${output === 'dot' ? '// ' : ''}${clockTime()}\n`;
}

function format(current: Trace, { output, watch }: TraceOptions, { colors }: Terminal): string {
  if (output === 'tree') return formatTrace(current, colors, Date.now());
  if (output === 'dot') return formatDot(current);
  const { resource } = current;
  const { name, reason, message } = current.rootCause ?? {};
  const rootCause = name === undefined ? null : { name, reason, message };
  const document = { rootCause, resource };
  // While it is watched, each line is a document.
  return watch && output === 'json' ? printableJson(JSON.stringify(document)) : formatDocument(document, output);
}
