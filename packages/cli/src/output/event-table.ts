import { parseKey } from '@kplug/controller';
import { EventType, type RecordedEvent } from '@kplug/protocol';
import { ageOf } from './age.ts';
import { clockTime } from './clock-time.ts';
import { timeOf } from './plugin-table.ts';
import { plain, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Options of a table of Events. */
export interface EventTableOptions {
  /** True to show the namespaces of the resources. */
  allNamespaces: boolean;
  colors: Colors;
  /** Current time, in milliseconds since the epoch, for ages. Default: the times of day are shown. */
  now?: number;
}

/** Returns a table of Events, with the columns of `kubectl events`. */
export function eventTable(events: readonly RecordedEvent[], options: EventTableOptions): TableContent {
  const { allNamespaces, colors, now } = options;
  return {
    header: [...(allNamespaces ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
    rows: events.map(({ event, count, lastAt }) => {
      const { kind, namespace, name } = parseKey(event?.target ?? '');
      const time = timeOf(lastAt);
      const seen = now === undefined ? timeOfDay(time) : ageOf(time, now);
      return [
        ...(allNamespaces ? [plain(namespace)] : []),
        count > 1 ? `${seen} (x${count})` : seen,
        event?.type === EventType.WARNING ? colors.yellow('Warning') : 'Normal',
        plain(event?.reason ?? ''),
        plain(`${kind}/${name}`),
        plain(event?.message ?? ''),
      ];
    }),
  };
}

function timeOfDay(time: number | undefined): string {
  return time === undefined ? '-' : clockTime(new Date(time));
}
