import type { MetricDefinition } from '../../../packages/controller/src/telemetry/metric-table/definition.ts';
import { metricTable } from '../../../packages/controller/src/telemetry/metric-table/table.ts';
import { namesOf } from './promql.ts';

/** Labels that Prometheus adds to each target. */
const targetLabels = ['namespace', 'job', 'instance', 'pod'];
/** Metrics of a Node.js process that the dashboard shows; they have no labels. */
const processMetrics = [
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'nodejs_eventloop_lag_p99_seconds',
];

const series = new Map<string, readonly string[]>([
  ...processMetrics.map((name) => [name, [] as readonly string[]] as const),
  ...Object.values(metricTable).flatMap(seriesOf),
]);

/** Returns what an expression names that no operator has: metrics, and labels of metrics. Throws a `SyntaxError`. */
export function unknownNames(expr: string): string[] {
  const { selected, grouping } = namesOf(expr);
  const grouped = new Set([...targetLabels, ...selected.flatMap(({ metric }) => series.get(metric) ?? [])]);
  return [
    ...selected.flatMap(({ metric, labels }) => unknownIn(metric, labels)),
    ...grouping.filter((label) => !grouped.has(label)).map((label) => `the label ${label}`),
  ];
}

function unknownIn(metric: string, labels: readonly string[]): string[] {
  const known = series.get(metric);
  if (!known) return [`the metric ${metric}`];
  return labels
    .filter((label) => ![...known, ...targetLabels].includes(label))
    .map((label) => `the label ${label} of ${metric}`);
}

/** Returns the series of a metric, with the labels of each. */
function seriesOf({ name, type, labels }: MetricDefinition): (readonly [string, string[]])[] {
  const own = Object.keys(labels);
  if (type !== 'histogram') return [[name, own]];
  return [
    [`${name}_bucket`, [...own, 'le']],
    [`${name}_count`, own],
    [`${name}_sum`, own],
  ];
}
