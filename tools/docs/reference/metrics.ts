import type { MetricDefinition } from '../../../packages/controller/src/telemetry/metric-table/definition.ts';
import { metricTable } from '../../../packages/controller/src/telemetry/metric-table/table.ts';
import { Metrics } from '../../../packages/controller/src/telemetry/metrics.ts';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

/** Fields of a metric that the library declares as private. */
interface LibraryMetric {
  name: string;
  help: string;
  labelNames: string[];
}

type Described = Pick<MetricDefinition, 'name' | 'help'> & { type: string; labels: readonly string[] };

const definitions: MetricDefinition[] = Object.values(metricTable);

/** Page of the metrics, from their table. */
export function metricsPage(): GeneratedPage {
  const own = definitions.map((definition) => ({ ...definition, labels: Object.keys(definition.labels) }));
  const content = page(
    '# Metrics',
    generatedBy('the table of the metrics'),
    [
      'The operator serves these metrics for Prometheus on its admin port, at `/metrics`, and on a separate port if `--metrics-bind-address` is',
      'set ([Settings](../operator-configuration.md#ports)). Those that [controller-runtime](https://pkg.go.dev/sigs.k8s.io/controller-runtime)',
      'also has have its names, so that dashboards for it work. The chart has [a dashboard and alerts](../alerts.md) for them.',
    ],
    metricRows(own),
    '## Labels',
    'Whoever chooses a value, such as the author of a plugin, the number of values is limited ([Limits](../limits.md)); further ones count as `other`.',
    labelRows(),
    '## Metrics of the process',
    'Every Node.js program with Prometheus metrics has these.',
    metricRows(processMetrics()),
  );
  return { file: 'docs/reference/metrics.md', content };
}

function metricRows(metrics: readonly Described[]): string[] {
  const rows = byName(metrics).map(({ name, type, help, labels }) => [
    code(name),
    type,
    labels.map(code).join(', '),
    cell(help),
  ]);
  return table(['metric', 'type', 'labels', 'meaning'], rows);
}

/** Labels with their meanings; one with several meanings has several rows. */
function labelRows(): string[] {
  const uses = definitions.flatMap(({ name, labels }) =>
    Object.entries(labels).map(([label, meaning]) => ({ name, label, meaning })),
  );
  const rows = [...Map.groupBy(uses, ({ label, meaning }) => `${label} ${meaning}`)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, [use, ...others]]) => {
      if (!use) return [];
      const metrics = [use, ...others].map(({ name }) => code(name)).sort();
      return [[code(use.label), cell(use.meaning), metrics.join(', ')]];
    });
  return table(['label', 'value', 'metrics'], rows);
}

/** Metrics that the library has for each process. */
function processMetrics(): Described[] {
  const names = new Set(definitions.map(({ name }) => name));
  return new Metrics().registry
    .getMetricsAsArray()
    .map((metric) => {
      const { name, help, labelNames } = metric as unknown as LibraryMetric;
      return { name, help, labels: labelNames, type: metric.constructor.name.toLowerCase() };
    })
    .filter(({ name }) => !names.has(name));
}

function byName<T extends { name: string }>(metrics: readonly T[]): T[] {
  return [...metrics].sort((one, other) => (one.name < other.name ? -1 : 1));
}
