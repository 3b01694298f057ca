// telemetry/: metrics, Events, and the steps of passes for traces and lists.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as PromRegistry } from 'prom-client';
import { limits } from '../limits/limits.ts';
import type { RequestObservation } from '../resources/cluster-services.ts';
import { LabelValues } from './label-values.ts';
import type { LabelsOf, MetricDefinition } from './metric-table/definition.ts';
import { metricTable } from './metric-table/table.ts';
import type { DelegationObserver } from './observer.ts';
import { type ExposedMetrics, prefersOpenMetrics, writeOpenMetrics } from './open-metrics.ts';
import { RecentLoad } from './recent-load.ts';

/** Largest number of plugins with a label value of their own. Plugins choose their names, so the number of names is unbounded. */
const { maxPluginLabels, maxLabelValues } = limits.telemetry;

/** Metrics of a controller, as the table defines them. */
export class Metrics implements DelegationObserver {
  readonly registry = new PromRegistry();
  /** Work of about the last minute. */
  readonly load = new RecentLoad();
  readonly #plugins = new LabelValues(maxPluginLabels);
  readonly #delegations = new LabelValues(maxLabelValues);
  readonly #reasons = new LabelValues(maxLabelValues, { areWords: true });
  readonly #methods = new LabelValues(maxLabelValues);
  readonly #codes = new LabelValues(maxLabelValues);
  readonly #kinds = new LabelValues(maxLabelValues);

  readonly #passes = this.#counter(metricTable.passes);
  readonly #passErrors = this.#counter(metricTable.passErrors);
  readonly #passFailures = this.#counter(metricTable.passFailures);
  readonly #passTime = this.#exemplified(metricTable.passTime);
  readonly #queued = this.#counter(metricTable.queued);
  readonly #retries = this.#counter(metricTable.retries);
  readonly #queueTime = this.#histogram(metricTable.queueTime);
  readonly #workTime = this.#histogram(metricTable.workTime);
  readonly #writeFailures = this.#counter(metricTable.writeFailures);
  readonly #instanceChanges = this.#counter(metricTable.instanceChanges);
  readonly #heartbeats = this.#counter(metricTable.heartbeats);
  readonly #refusals = this.#counter(metricTable.refusals);
  readonly #calls = this.#exemplified(metricTable.calls);
  readonly #authentications = this.#counter(metricTable.authentications);
  readonly #refusedConnections = this.#counter(metricTable.refusedConnections);
  readonly #certificateRenewals = this.#counter(metricTable.certificateRenewals);
  readonly #certificateFailures = this.#counter(metricTable.certificateFailures);
  readonly #requests = this.#counter(metricTable.requests);
  readonly #requestTime = this.#histogram(metricTable.requestTime);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Returns the metrics for a scraper: as OpenMetrics with exemplars if it asks for that, otherwise in Prometheus' text format. */
  async expose(accept: string | undefined): Promise<ExposedMetrics> {
    if (prefersOpenMetrics(accept)) return writeOpenMetrics(this.registry);
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  /** Adds a gauge whose value is read at each scrape: the sum of the values for the same labels. */
  gauge<D extends MetricDefinition>(
    definition: D,
    read: (add: (labels: Record<LabelsOf<D>, string>, value: number) => void) => void,
  ): void {
    const gauge = new Gauge({
      ...describe(definition),
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        read((values, value) => gauge.inc(values, value));
      },
    });
  }

  queued(delegation: string): void {
    this.#queued.inc({ name: this.labelForDelegation(delegation) });
  }

  worked(delegation: string, waited: number, took: number, traceId?: string): void {
    const label = this.labelForDelegation(delegation);
    this.#queueTime.observe({ name: label }, waited / 1_000);
    this.#passTime.observe({
      labels: { controller: label },
      value: took / 1_000,
      ...(traceId && { exemplarLabels: { trace_id: traceId } }),
    });
    this.#workTime.observe({ name: label }, took / 1_000);
    this.load.worked(delegation, took);
  }

  passed(delegation: string, result: string, failed: boolean, plugins: readonly string[] = []): void {
    this.load.passed(delegation, failed, plugins);
    const label = this.labelForDelegation(delegation);
    this.#passes.inc({ controller: label, result });
    if (result !== 'retry') return;
    this.#passErrors.inc({ controller: label });
    this.#retries.inc({ name: label });
  }

  failed(delegation: string, reason: string): void {
    this.#passFailures.inc({ delegation: this.labelForDelegation(delegation), reason: this.labelForReason(reason) });
  }

  answerFailed(plugin: string, reason: string, message: string): void {
    this.load.callFailed(plugin, reason, message);
  }

  writeFailed(delegation: string, reason: string): void {
    this.failed(delegation, reason);
    this.#writeFailures.inc({ delegation: this.labelForDelegation(delegation), reason: this.labelForReason(reason) });
  }

  /**
   * Counts a change of an instance. One that registers chooses its name, so that only plugins that were called count separately.
   *
   * @param state state that an instance of the plugin came into.
   */
  instanceChanged(plugin: string, state: string): void {
    this.#instanceChanges.inc({ plugin: this.#plugins.ofKnown(plugin), state });
  }

  received(way: 'session' | 'unary' | 'first-kplug'): void {
    this.#heartbeats.inc({ way });
  }

  /** @param reason name of the reason, such as `INVALID`. */
  refused(reason: string): void {
    this.#refusals.inc({ reason: this.labelForReason(reason) });
  }

  /** @param result `accepted`, `refused` or `unavailable`. */
  authenticated(method: string, result: string): void {
    this.#authentications.inc({ method, result });
  }

  connectionRefused(port: string, reason: string): void {
    this.#refusedConnections.inc({ port, reason });
  }

  calling(plugin: string): void {
    this.load.calling(plugin);
  }

  called({
    plugin,
    method,
    code,
    failed,
    duration,
    error,
    traceparent,
  }: {
    plugin: string;
    method: string;
    code: string;
    failed: boolean;
    duration: number;
    error?: { reason: string; message: string };
    traceparent?: string;
  }): void {
    this.load.called(plugin, failed, duration);
    if (error) this.load.callFailed(plugin, error.reason, error.message);
    const labels = { plugin: this.labelFor(plugin), method: this.#methods.of(method), code: this.#codes.of(code) };
    const [, trace_id = '', span_id = ''] = traceparent?.split('-') ?? [];
    this.#calls.observe({
      labels,
      value: duration / 1_000,
      ...(traceparent && { exemplarLabels: { trace_id, span_id } }),
    });
  }

  certificateRenewed(certificate: string): void {
    this.#certificateRenewals.inc({ certificate });
  }

  certificateFailed(operation: string): void {
    this.#certificateFailures.inc({ operation });
  }

  requested({ verb, resource, code, duration }: RequestObservation): void {
    this.#requests.inc({ code: this.#codes.of(code), method: verb });
    // The response of a watch begins immediately.
    this.#requestTime.observe({ verb, resource: this.#kinds.of(resource) }, duration / 1_000);
  }

  /** Returns the label of a plugin: its name, or `other` when there are too many. */
  labelFor(plugin: string): string {
    return this.#plugins.of(plugin);
  }

  /** Returns the label of a delegation: its name, or `other` when there are too many. */
  labelForDelegation(delegation: string): string {
    return this.#delegations.of(delegation);
  }

  /** Returns the label of a reason: its word, or `other` when it is none, or there are too many. */
  labelForReason(reason: string): string {
    return this.#reasons.of(reason);
  }

  #counter<D extends MetricDefinition>(definition: D): Counter<LabelsOf<D>> {
    return new Counter({ ...describe(definition), registers: [this.registry] });
  }

  #histogram<D extends MetricDefinition & { buckets: readonly number[] }>(definition: D): Histogram<LabelsOf<D>> {
    const buckets = [...definition.buckets];
    return new Histogram({ ...describe(definition), buckets, registers: [this.registry] });
  }

  /** Makes a histogram with exemplars. It is written without them in the text format. */
  #exemplified<D extends MetricDefinition & { buckets: readonly number[] }>(
    definition: D,
  ): Histogram<LabelsOf<D> | ExemplarLabel> {
    const buckets = [...definition.buckets];
    const options = { ...describe(definition), buckets, enableExemplars: true, registers: [] };
    const histogram = new Histogram<LabelsOf<D> | ExemplarLabel>(options);
    this.registry.registerMetric(histogram);
    return histogram;
  }
}

/** Labels of an exemplar: what it refers to. */
type ExemplarLabel = 'trace_id' | 'span_id';

/** Returns the configuration of a metric in the library. */
function describe<D extends MetricDefinition>({ name, help, labels }: D) {
  return { name, help, labelNames: Object.keys(labels) as LabelsOf<D>[] };
}
