import { RefusalReason, type RefusedPlugin } from '@kplug/protocol';
import { ageOf } from './age.ts';
import { timeOf } from './plugin-table.ts';
import { plain, type TableContent } from './table.ts';

/** Options of a table of refusals. */
export interface RefusalTableOptions {
  wide: boolean;
  /** Current time, in milliseconds since the epoch. */
  now: number;
}

/** Returns a table of refused registrations. */
export function refusalTable(refusals: readonly RefusedPlugin[], { wide, now }: RefusalTableOptions): TableContent {
  const wideHeader = wide ? ['PROTOCOL', 'API', 'FROM', 'INSTANCE', 'FIRST-SEEN'] : [];
  return {
    header: ['NAME', 'VERSION', 'ADDRESS', 'REASON', 'COUNT', 'LAST-SEEN', ...wideHeader, 'MESSAGE'],
    rows: refusals.map((refusal) => {
      const { plugin, version, address, reason, count, lastAt, protocol, apis, peer, instanceId, firstAt } = refusal;
      const wideCells = [protocol, plain(apis.join(',')), plain(peer), plain(instanceId), ageOf(timeOf(firstAt), now)];
      return [
        ...[plain(plugin), plain(version), plain(address) || plain(peer), reasonName(reason), String(count)],
        ageOf(timeOf(lastAt), now),
        ...(wide ? wideCells : []),
        plain(refusal.message),
      ];
    }),
  };
}

/** Returns the name of a reason, such as `INVALID`. A newer operator may report an unknown one. */
export function reasonName(reason: RefusalReason): string {
  return Object.entries(RefusalReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
