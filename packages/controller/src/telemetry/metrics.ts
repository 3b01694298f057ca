// telemetry/: metrics and Events.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as PromRegistry } from 'prom-client';
import { limits } from '../limits/limits.ts';
import type { RequestObservation } from '../resources/cluster-services.ts';
import { LabelValues } from './label-values.ts';
import type { DelegationObserver } from './observer.ts';
import { RecentLoad } from './recent-load.ts';

/** Largest number of plugins with a label value of their own. Plugins choose their names, so the number of names is unbounded. */
const { maxPluginLabels, maxLabelValues } = limits.telemetry;

/** Metrics of a controller, with the names of controller-runtime where it has equal ones. */
export class Metrics implements DelegationObserver {
  readonly registry = new PromRegistry();
  /** Work of about the last minute. */
  readonly load = new RecentLoad();
  readonly #plugins = new LabelValues(maxPluginLabels);
  readonly #reasons = new LabelValues(maxLabelValues);
  readonly #methods = new LabelValues(maxLabelValues);
  readonly #codes = new LabelValues(maxLabelValues);
  readonly #kinds = new LabelValues(maxLabelValues);

  readonly #reconciles = this.#counter('controller_runtime_reconcile_total', 'Passes by result', [
    'controller',
    'result',
  ]);
  readonly #errors = this.#counter('controller_runtime_reconcile_errors_total', 'Passes that failed', ['controller']);
  readonly #adds = this.#counter('workqueue_adds_total', 'Resources queued because of a change', ['name']);
  readonly #retries = this.#counter('workqueue_retries_total', 'Resources queued because a pass failed', ['name']);
  readonly #reconcileTime = this.#histogram('controller_runtime_reconcile_time_seconds', 'Duration of a pass', [
    'controller',
  ]);
  readonly #queueTime = this.#histogram(
    'workqueue_queue_duration_seconds',
    'Time that a resource waited for its pass',
    ['name'],
  );
  readonly #writeFailures = this.#counter(
    'kplug_write_failures_total',
    'Passes that failed to write a status, a finalizer or another part of a resource, by reason',
    ['delegation', 'reason'],
  );
  readonly #heartbeats = this.#counter('kplug_heartbeats_total', 'Heartbeats received', ['way']);
  readonly #refusals = this.#counter('kplug_registrations_refused_total', 'Registrations refused, by reason', [
    'reason',
  ]);
  readonly #authentications = this.#counter(
    'kplug_authentications_total',
    'Tokens and certificates that were checked, or refused without a check; those of known plugins are not counted again',
    ['method', 'result'],
  );
  readonly #refusedConnections = this.#counter(
    'kplug_connections_refused_total',
    'Connections that a port refused, or closed because of a limit, by port and reason',
    ['port', 'reason'],
  );
  readonly #calls = this.#histogram(
    'kplug_plugin_call_duration_seconds',
    'Duration of calls of plugins, by gRPC code',
    ['plugin', 'method', 'code'],
  );

  readonly #certificateRenewals = this.#counter(
    'kplug_certificate_renewals_total',
    "Certificates of the operator that were made or loaded: 'ca', 'server' and 'caller'",
    ['certificate'],
  );
  readonly #certificateFailures = this.#counter(
    'kplug_certificate_failures_total',
    "Failures to 'read', 'write' or 'publish' certificates of the operator",
    ['operation'],
  );

  readonly #requests = this.#counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method']);
  readonly #requestTime = this.#histogram(
    'rest_client_request_duration_seconds',
    'Time until the response of the API server began',
    ['verb', 'resource'],
  );

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Adds a gauge whose value is read at each scrape: the sum of the values for the same labels. */
  gauge<L extends string>(
    name: string,
    help: string,
    labels: L[],
    read: (add: (labels: Record<L, string>, value: number) => void) => void,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        read((values, value) => gauge.inc(values, value));
      },
    });
  }

  queued(delegation: string): void {
    this.#adds.inc({ name: delegation });
  }

  worked(delegation: string, waited: number, took: number): void {
    this.#queueTime.observe({ name: delegation }, waited / 1_000);
    this.#reconcileTime.observe({ controller: delegation }, took / 1_000);
    this.load.worked(delegation, took);
  }

  passed(delegation: string, result: string, plugins: readonly string[] = []): void {
    this.load.passed(delegation, result === 'retry', plugins);
    this.#reconciles.inc({ controller: delegation, result });
    if (result !== 'retry') return;
    this.#errors.inc({ controller: delegation });
    this.#retries.inc({ name: delegation });
  }

  writeFailed(delegation: string, reason: string): void {
    this.#writeFailures.inc({ delegation, reason: this.#reasons.of(reason) });
  }

  received(way: 'session' | 'unary' | 'first-kplug'): void {
    this.#heartbeats.inc({ way });
  }

  /** @param reason name of the reason, such as `INVALID`. */
  refused(reason: string): void {
    this.#refusals.inc({ reason: this.#reasons.of(reason) });
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
  }: {
    plugin: string;
    method: string;
    code: string;
    failed: boolean;
    duration: number;
  }): void {
    this.load.called(plugin, failed, duration);
    const labels = { plugin: this.labelFor(plugin), method: this.#methods.of(method), code: this.#codes.of(code) };
    this.#calls.observe(labels, duration / 1_000);
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

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> {
    const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
