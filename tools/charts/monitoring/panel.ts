/** A panel of the dashboard. */
export interface Panel {
  title: string;
  /** What it shows, and what to conclude from it. */
  description: string;
  type: 'stat' | 'timeseries' | 'bargauge';
  unit: Unit;
  queries: readonly Query[];
  /** Width in columns, of 24. */
  width: number;
  /** Values from which on the colour changes. Default: none. */
  thresholds?: readonly { from: number; color: 'green' | 'orange' | 'red' }[];
  /** Stacks the series. Default false. */
  isStacked?: boolean;
}

/** Unit in Grafana: numbers, events and requests per second, seconds, bytes, and shares from 0 to 1. */
type Unit = 'short' | 'ops' | 'reqps' | 's' | 'bytes' | 'percentunit';

/** A query in PromQL. */
export interface Query {
  expr: string;
  /** Name of each series, with labels in braces, such as `{{plugin}}`. */
  legend: string;
  /** Asks only for the present values. Default false. */
  isInstant?: boolean;
  /** Asks for exemplars, which link to traces. Default false. */
  hasExemplars?: boolean;
}

/** A row of panels. */
export interface Row {
  title: string;
  panels: readonly Panel[];
}

/** Selects the operators that the user chose. */
export const operators = 'namespace=~"$namespace", job=~"$job"';
/** Selects the delegations that the user chose, in metrics of Kplug, of passes and of queues. */
export const delegations = `${operators}, delegation=~"$delegation"`;
export const controllers = `${operators}, controller=~"$delegation"`;
export const queues = `${operators}, name=~"$delegation"`;

/** Returns the sum of rates of counters, by labels. */
export function rate(metric: string, selector: string, by: string): string {
  return `sum by (${by}) (rate(${metric}{${selector}}[$__rate_interval]))`;
}

/** Returns the share that some of the events counted by `all` have, by a label: zero if none of them happened. */
export function share(some: string, all: string): string {
  return `(${some} or 0 * ${all}) / ${all}`;
}

/** Returns the rate of failed passes, by a label that is named as in metrics of passes. */
export function failedPasses(): string {
  const failures = `rate(kplug_pass_failures_total{${delegations}}[$__rate_interval])`;
  return `sum by (controller) (label_replace(${failures}, "controller", "$1", "delegation", "(.+)"))`;
}

/** Returns the queries of the median and the 99th percentile of a histogram, by a label. */
export function percentiles(histogram: string, selector: string, label: string): Query[] {
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${rate(`${histogram}_bucket`, selector, `le, ${label}`)})`,
    legend: `{{${label}}} p${quantile * 100}`,
    hasExemplars: quantile > 0.5,
  }));
}

/** Replaces the variables of Grafana in an expression: all operators and delegations, and a range of time. */
export function withoutVariables(expr: string, range = '5m'): string {
  return expr.replaceAll(/\$__(rate_interval|range)/g, range).replaceAll(/\$(namespace|job|delegation)/g, '.*');
}
