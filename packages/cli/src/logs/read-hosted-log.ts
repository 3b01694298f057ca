import { OutputStream, type ReadOutputResponse } from '@kplug/protocol';
import { repeatUntilInterrupted } from '../input/interruption.ts';
import type { AdminClient } from '../operator/admin-client.ts';
import { timeOf } from '../output/plugin-table.ts';
import type { LogEntry, LogRange } from './log-source.ts';

/** Interval of reading new lines, in milliseconds. */
const interval = 500;

/** Receivers of a log. */
export interface LogReceiver {
  print(entry: LogEntry): void;
  /** Gets messages about the log. */
  say(message: string): void;
}

/** Prints the output of a hosted plugin. Reports whether the operator hosts one of that name. */
export async function readHostedLog(
  client: AdminClient,
  plugin: string,
  { tail, follow }: LogRange,
  receiver: LogReceiver,
): Promise<boolean> {
  if (tail === 0 && !follow) return (await client.readOutput({ plugin, tail: 1 })) !== undefined;
  const first = await client.readOutput({ plugin, tail: Math.max(0, tail) });
  if (!first) return false;
  if (tail !== 0) printLines(first, receiver);
  if (first.lines.length === 0 && !follow) {
    receiver.say(`${plugin} has written nothing since the operator started; see "kplug plugins describe ${plugin}".`);
  }
  let last = first;
  const readMore = async () => {
    do {
      const next = await client.readOutput({ plugin, followToken: last.followToken });
      // Its file was removed.
      if (!next) return;
      last = next;
      printLines(last, receiver);
    } while (last.hasMore);
  };
  if (follow) await repeatUntilInterrupted(interval, readMore);
  else if (first.hasMore) await readMore();
  return true;
}

function printLines({ lines, hasGap }: ReadOutputResponse, { print, say }: LogReceiver): void {
  if (hasGap) say('Some lines are missing: they were written faster than the operator keeps them for.');
  for (const { name, at, stream, text } of lines) {
    const time = timeOf(at);
    print({
      source: name,
      time: time === undefined ? '' : new Date(time).toISOString(),
      stream: stream === OutputStream.STDERR ? 'stderr' : 'stdout',
      text,
    });
  }
}
