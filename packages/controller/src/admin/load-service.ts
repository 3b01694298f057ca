import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { DelegationLoadSchema, LoadService, PluginLoadSchema, WorkFiguresSchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import { limits } from '../limits/limits.ts';
import { PluginName } from '../names.ts';
import { sortSliced } from '../paging/sort-sliced.ts';
import { visitAll } from '../queue/slices.ts';
import type { Registry } from '../registry/registry.ts';
import type { MeasuredPlugin, MeasuredWork, RecentLoad } from '../telemetry/recent-load.ts';
import type { Figures } from '../telemetry/work-figures.ts';
import { durationOf } from './duration-of.ts';

const { maxLoadRows } = limits.admin;

/** Parts of a controller whose load is shown. */
export interface LoadParts {
  delegations: () => Iterable<Delegation>;
  load: RecentLoad;
  registry: Registry;
  /** Reports whether the controller waits for leadership. */
  isStandby: () => boolean;
}

/** Registered plugin. */
interface RegisteredPlugin {
  plugin: string;
  ready: number;
  instances: number;
}

/** Row of a list of plugins, with what it is ordered by. */
interface PluginRow {
  plugin: string;
  registered: RegisteredPlugin | undefined;
  measured: MeasuredPlugin | undefined;
}

/** Implements `kplug.v1.LoadService`: the work of plugins and delegations. */
export function loadService({ delegations, load, registry, isStandby }: LoadParts): ServiceImpl<typeof LoadService> {
  return {
    getLoad: async () => {
      const rows = await sortSliced(await rowsOf(registry, load), busiestFirst);
      const { recent, total } = load.times;
      return {
        plugins: rows.slice(0, maxLoadRows).map((row) => ({
          ...describePlugin(row, load),
          resources: resourcesOf(row.plugin, delegations()),
        })),
        delegations: [...delegations()]
          .map((delegation) => ({ delegation, passes: load.passesOf(delegation.settings.name) }))
          .sort((a, b) => (b.passes?.recent.count ?? 0) - (a.passes?.recent.count ?? 0))
          .slice(0, maxLoadRows)
          .map(({ delegation, passes }) => describeDelegation(delegation, passes)),
        recentTime: durationOf(recent),
        totalTime: durationOf(total),
        standby: isStandby(),
        dropped: Math.max(0, rows.length - maxLoadRows),
      };
    },

    getHistory: () => {
      const { start, interval, delegations: series } = load.history();
      return { start: timestampFromMs(start), interval: durationOf(interval), delegations: series };
    },
  };
}

/** Returns the plugins that are registered or were called. */
async function rowsOf(registry: Registry, load: RecentLoad): Promise<PluginRow[]> {
  const rows = new Map<string, PluginRow>();
  for (const measured of load.plugins()) {
    const { plugin = '' } = measured;
    rows.set(plugin.toLowerCase(), { plugin, measured, registered: undefined });
  }
  await visitAll(registry.instances(), ({ registration: { plugin }, state }) => {
    const key = plugin.toLowerCase();
    const row = rows.get(key) ?? { plugin, measured: undefined, registered: undefined };
    row.registered ??= { plugin, ready: 0, instances: 0 };
    row.registered.instances++;
    if (state === 'live') row.registered.ready++;
    rows.set(key, row);
  });
  return [...rows.values()];
}

/** Orders by recent calls and passes, then by all calls, then by name; plugins without separate counts come last. */
function busiestFirst(a: PluginRow, b: PluginRow): number {
  return (
    Number(a.plugin === '') - Number(b.plugin === '') ||
    recentWork(b) - recentWork(a) ||
    (b.measured?.calls.total.count ?? 0) - (a.measured?.calls.total.count ?? 0) ||
    (a.plugin < b.plugin ? -1 : 1)
  );
}

function recentWork({ measured }: PluginRow): number {
  return measured ? measured.calls.recent.count + measured.passes.recent.count : 0;
}

function describePlugin(
  { plugin, registered, measured }: PluginRow,
  load: RecentLoad,
): MessageInitShape<typeof PluginLoadSchema> {
  const { ready: readyInstances = 0, instances = 0 } = registered ?? {};
  const common = { plugin, readyInstances, instances };
  if (!measured) return load.isCounted(plugin) ? { ...common, ...idle } : common;
  const { passes, calls, inFlight, lastCallAt, failures } = measured;
  return {
    ...common,
    ...{ inFlight, recentPasses: describe(passes.recent), totalPasses: describe(passes.total) },
    ...{ recentCalls: describe(calls.recent), totalCalls: describe(calls.total) },
    failures: failures.map(({ reason, count, lastAt, lastMessage }) => ({
      ...{ reason, count: BigInt(count), lastAt: timestampFromMs(lastAt), lastMessage },
    })),
    ...(lastCallAt !== undefined && { lastCallAt: timestampFromMs(lastCallAt) }),
  };
}

/** Number of base resources that are assigned to a plugin. */
function resourcesOf(plugin: string, delegations: Iterable<Delegation>): number {
  const name = new PluginName(plugin);
  let sum = 0;
  for (const delegation of delegations) sum += delegation.resourcesOf(name);
  return sum;
}

/** Load of a plugin that was never chosen or called. */
const idle = { inFlight: 0, recentPasses: {}, totalPasses: {}, recentCalls: {}, totalCalls: {} };

function describeDelegation(
  { settings, counts, load: { active, waiting } }: Delegation,
  passes: MeasuredWork | undefined,
): MessageInitShape<typeof DelegationLoadSchema> {
  return {
    ...{ delegation: settings.name, resources: counts.total, active, waiting },
    ...(passes && { recentPasses: describe(passes.recent), totalPasses: describe(passes.total) }),
  };
}

function describe({ count, failed, p50, p99 }: Figures): MessageInitShape<typeof WorkFiguresSchema> {
  return {
    count: BigInt(count),
    failed: BigInt(failed),
    ...(p50 !== undefined && { p50: durationOf(p50) }),
    ...(p99 !== undefined && { p99: durationOf(p99) }),
  };
}
