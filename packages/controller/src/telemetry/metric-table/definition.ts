/** Definition of a metric: the operator registers it from here, and the reference, the dashboard and the alert rules are checked against it. */
export interface MetricDefinition {
  /** Name in Prometheus. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Unit of its values. */
  readonly unit: Unit;
  readonly help: string;
  /** Meaning of each label. */
  readonly labels: Readonly<Record<string, string>>;
  /** Upper limits of the buckets of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

/** Unit of the values of a metric: `timestamp` is in seconds since the epoch, `boolean` is 1 or 0. */
type Unit = 'count' | 'seconds' | 'timestamp' | 'boolean';

/** Names of the labels of a metric. */
export type LabelsOf<D extends MetricDefinition> = Extract<keyof D['labels'], string>;

/** Limits for durations of passes, calls and requests: a millisecond to a minute. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Meanings of labels that several metrics have. */
export const delegationLabel = 'name of the delegation';
export const reasonLabel = 'reason in one word';
