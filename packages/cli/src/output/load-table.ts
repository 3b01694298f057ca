import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import type { DelegationLoad, GetLoadResponse, PluginLoad, WorkFigures } from '@kplug/protocol';
import { ageOf } from './age.ts';
import { timeOf } from './plugin-table.ts';
import { plain, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Options of a table of loads. */
export interface LoadTableOptions {
  wide: boolean;
  /** True for all work since the start of the operator, instead of that of the last minute. */
  sinceStart: boolean;
  colors: Colors;
  /** Current time, in milliseconds since the epoch. */
  now: number;
}

/** Returns a table of the loads of plugins. What is not known is an empty cell. */
export function pluginLoadTable(load: GetLoadResponse, options: LoadTableOptions): TableContent {
  const time = timeCovered(load, options.sinceStart);
  const wideHeader = options.wide ? ['INSTANCES', 'LAST-CALL'] : [];
  return {
    header: ['PLUGIN', 'PASSES/S', 'FAILED', 'CALLS/S', 'ERRORS', 'P50', 'P99', 'IN-FLIGHT', ...wideHeader],
    rows: load.plugins.map((plugin) => pluginRow(plugin, time, options)),
  };
}

/** Returns a table of the loads of delegations. */
export function delegationLoadTable(load: GetLoadResponse, { sinceStart, colors }: LoadTableOptions): TableContent {
  const time = timeCovered(load, sinceStart);
  return {
    header: ['DELEGATION', 'RESOURCES', 'PASSES/S', 'FAILED', 'P50', 'P99', 'ACTIVE', 'WAITING'],
    rows: load.delegations.map(
      ({ delegation, resources, active, waiting, recentPasses, totalPasses }: DelegationLoad) => {
        const passes = sinceStart ? totalPasses : recentPasses;
        return [
          plain(delegation),
          String(resources),
          formatRate(passes, time),
          formatFailed(passes, colors),
          formatLatency(passes?.p50),
          formatLatency(passes?.p99),
          String(active),
          String(waiting),
        ];
      },
    ),
  };
}

/** Returns the time that the figures of a table cover, in milliseconds. */
export function timeCovered({ recentTime, totalTime }: GetLoadResponse, sinceStart: boolean): number {
  const covered = sinceStart ? totalTime : recentTime;
  return covered ? durationMs(covered) : 0;
}

function pluginRow(load: PluginLoad, time: number, { wide, sinceStart, colors, now }: LoadTableOptions): string[] {
  const { plugin, instances, readyInstances, inFlight, lastCallAt } = load;
  const passes = sinceStart ? load.totalPasses : load.recentPasses;
  const calls = sinceStart ? load.totalCalls : load.recentCalls;
  const row = [
    nameOf(load, colors),
    formatRate(passes, time),
    formatFailed(passes, colors),
    formatRate(calls, time),
    formatFailed(calls, colors),
    formatLatency(calls?.p50),
    formatLatency(calls?.p99),
    inFlight === undefined ? '' : String(inFlight),
  ];
  return wide ? [...row, plugin ? `${readyInstances}/${instances}` : '', ageOf(timeOf(lastCallAt), now)] : row;
}

function nameOf({ plugin, instances }: PluginLoad, colors: Colors): string {
  if (!plugin) return '(others)';
  return instances === 0 ? `${plain(plugin)} ${colors.yellow('(gone)')}` : plain(plugin);
}

/** Formats a number per second, with up to two decimals: `0`, `<0.01`, `1.25`, `12.5`, `340`. */
function formatRate(figures: WorkFigures | undefined, time: number): string {
  if (!figures || time <= 0) return '';
  const rate = (Number(figures.count) * 1_000) / time;
  if (rate === 0) return '0';
  if (rate < 0.01) return '<0.01';
  if (rate < 10) return rate.toFixed(2);
  return rate < 100 ? rate.toFixed(1) : String(Math.round(rate));
}

function formatFailed(figures: WorkFigures | undefined, colors: Colors): string {
  if (!figures) return '';
  return figures.failed > 0n ? colors.red(String(figures.failed)) : '0';
}

/** Formats a duration: `0.4ms`, `12ms`, `1.2s`, `1m5s`. */
function formatLatency(duration: Duration | undefined): string {
  if (!duration) return '';
  const time = Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
  if (time < 10) return `${time.toFixed(1)}ms`;
  if (time < 1_000) return `${Math.round(time)}ms`;
  if (time < 60_000) return `${(time / 1_000).toFixed(1)}s`;
  return `${Math.floor(time / 60_000)}m${Math.round((time % 60_000) / 1_000)}s`;
}
