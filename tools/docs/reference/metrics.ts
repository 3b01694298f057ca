import { addGauges, addLeadershipGauge } from '../../../packages/controller/src/controller-gauges.ts';
import { Metrics } from '../../../packages/controller/src/telemetry/metrics.ts';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

/** Fields of a metric that the library declares as private. */
interface DeclaredMetric {
  name: string;
  help: string;
  labelNames: string[];
}

/** Page of the metrics, from their definitions. */
export function metricsPage(): GeneratedPage {
  const all = declaredMetrics();
  const isOfProcess = ({ name }: DeclaredMetric) => /^(process|nodejs)_/.test(name);
  const content = page(
    '# Metrics',
    generatedBy('the definitions of the metrics'),
    [
      'The operator serves these metrics for Prometheus on its admin port, at `/metrics`, and on a separate port if `--metrics-bind-address` is',
      'set ([Settings](../operator-configuration.md#ports)). Those that [controller-runtime](https://pkg.go.dev/sigs.k8s.io/controller-runtime)',
      'also has have its names, so that dashboards for it work. `controller` and `name` are the name of a delegation.',
    ],
    metricTable(all.filter((metric) => !isOfProcess(metric))),
    '## Metrics of the process',
    'Every Node.js program with Prometheus metrics has these.',
    metricTable(all.filter(isOfProcess)),
  );
  return { file: 'docs/reference/metrics.md', content };
}

function metricTable(metrics: readonly (DeclaredMetric & { type: string })[]): string[] {
  const rows = metrics.map(({ name, type, help, labelNames }) => [
    code(name),
    type,
    labelNames.map(code).join(', '),
    cell(help),
  ]);
  return table(['metric', 'type', 'labels', 'meaning'], rows);
}

/** Metrics of an operator, without values. */
function declaredMetrics(): (DeclaredMetric & { type: string })[] {
  const metrics = new Metrics();
  // Gauges read what they measure at a scrape, which does not happen here.
  const measured = { security: { certificates: { expiries: () => [] } } };
  addGauges(metrics, measured as unknown as Parameters<typeof addGauges>[1]);
  addLeadershipGauge(metrics, { leads: false });
  return metrics.registry
    .getMetricsAsArray()
    .map((metric) => ({ ...(metric as unknown as DeclaredMetric), type: metric.constructor.name.toLowerCase() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
