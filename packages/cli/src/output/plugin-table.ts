import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { InstanceState, type PluginInstance } from '@kplug/protocol';
import { ageOf } from './age.ts';
import { plain, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Options of a plugin table. */
export interface PluginTableOptions {
  wide: boolean;
  colors: Colors;
  /** Current time, in milliseconds since the epoch. */
  now: number;
}

const stateNames: Record<InstanceState, string> = {
  [InstanceState.UNSPECIFIED]: 'unknown',
  [InstanceState.LIVE]: 'live',
  [InstanceState.SUSPECT]: 'suspect',
  [InstanceState.DRAINING]: 'draining',
  [InstanceState.GONE]: 'gone',
};

/** Returns a table of plugin instances. */
export function pluginTable(instances: readonly PluginInstance[], options: PluginTableOptions): TableContent {
  const wideHeader = options.wide ? ['PROTOCOL', 'TLS', 'IDENTITY', 'WEIGHT', 'INSTANCE', 'LABELS', 'REASON'] : [];
  return {
    header: ['NAME', 'VERSION', 'API', 'STATE', 'ADDRESS', 'LAST-SEEN', 'AGE', ...wideHeader],
    rows: instances.map((instance) => pluginRow(instance, options)),
  };
}

/** Formats the state of an instance, with colour. */
export function formatState({ state }: PluginInstance, colors: Colors): string {
  // A newer operator may report an unknown state.
  const name = stateNames[state] ?? 'unknown';
  if (state === InstanceState.LIVE) return colors.green(name);
  return state === InstanceState.GONE ? colors.red(name) : colors.yellow(name);
}

/** Formats pairs as `zone=a,tier=gold`. */
export function formatPairs(pairs: Readonly<Record<string, string>>): string {
  return plain(
    Object.entries(pairs)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  );
}

/** Converts a timestamp to milliseconds since the epoch. */
export function timeOf(timestamp: Timestamp | undefined): number | undefined {
  return timestamp && timestampMs(timestamp);
}

function pluginRow(instance: PluginInstance, { wide, colors, now }: PluginTableOptions): string[] {
  const { registration, lastHeardAt, registeredAt, stateReason, protocol, encrypted, identity } = instance;
  if (!registration) return [];
  const { plugin, version, apis, address, weight, instanceId, labels } = registration;
  const row = [
    plain(plugin),
    plain(version),
    plain(apis.map((api) => `${api.name}@${api.version}`).join(',')),
    formatState(instance, colors),
    plain(address),
    ageOf(timeOf(lastHeardAt), now),
    ageOf(timeOf(registeredAt), now),
  ];
  if (!wide) return row;
  const security = [encrypted ? 'yes' : 'no', plain(identity)];
  return [
    ...row,
    plain(protocol),
    ...security,
    String(weight ?? 100),
    plain(instanceId),
    formatPairs(labels),
    plain(stateReason),
  ];
}
