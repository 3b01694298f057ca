import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';

/** Content type of the metrics, and their text. */
export interface ExposedMetrics {
  contentType: string;
  text: string;
}

/** Reports whether a scraper asks for OpenMetrics, as Prometheus does. */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('application/openmetrics-text') ?? false;
}

/**
 * Writes metrics as OpenMetrics, which has exemplars. The library renames the counters of a registry of this type for good, so that these are
 * represented by others.
 */
export async function writeOpenMetrics(registry: Registry): Promise<ExposedMetrics> {
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray() as unknown as Metric[]) open.registerMetric(renamable(metric));
  return { contentType: open.contentType, text: await open.metrics() };
}

/** Returns a metric whose name can be changed. A counter has its name without the suffix, which its samples get. */
function renamable(metric: Metric): Metric {
  const { name, type } = metric as unknown as { name: string; type: string };
  if (type !== 'counter') return metric;
  const family = name.replace(/_total$/, '');
  const get = async () => ({ ...(await metric.get()), name: family });
  return { name: family, type, get } as unknown as Metric;
}
