import type { CertificateObserver, CertificateSource } from './certificates/certificate-source.ts';
import type { Connections } from './clients/connections.ts';
import type { ControllerSecurity } from './controller-security.ts';
import type { Delegation } from './delegation/delegation.ts';
import type { Delegations } from './delegation/delegations.ts';
import type { StateCounts } from './delegation/states/state-group.ts';
import type { WriteProblem } from './delegation/writes/write-failures.ts';
import type { HostedFolder } from './registry/hosted.ts';
import type { Registry } from './registry/registry.ts';
import { metricTable } from './telemetry/metric-table/table.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { version } from './version.ts';

/** Objects that the gauges measure. */
interface Measured {
  connections: Connections;
  delegations: Delegations;
  registry: Registry;
  folder: HostedFolder | undefined;
  security: Pick<ControllerSecurity, 'mode' | 'allowsFirstKplug' | 'certificates'>;
}

/** Returns an observer that counts what happens to the operator's certificates. */
export function countCertificates(metrics: Metrics): CertificateObserver {
  return {
    renewed: (certificate) => metrics.certificateRenewed(certificate),
    failed: (operation) => metrics.certificateFailed(operation),
  };
}

/** Adds the gauges of the operator's certificates. */
export function addCertificateGauges(metrics: Metrics, source: Pick<CertificateSource, 'expiries'>): void {
  metrics.gauge(metricTable.certificateExpiry, (set) => {
    for (const { certificate, notAfter } of source.expiries()) set({ certificate }, notAfter / 1_000);
  });
}

/** Adds the gauge of the leader election. */
export function addLeadershipGauge(metrics: Metrics, leadership: { readonly leads: boolean }): void {
  metrics.gauge(metricTable.leadership, (set) => {
    set({ name: 'kplug' }, leadership.leads ? 1 : 0);
  });
}

/** Adds the gauges of a controller, which are measured at each scrape. */
export function addGauges(metrics: Metrics, measured: Measured): void {
  const { connections, security } = measured;
  metrics.gauge(metricTable.build, (set) => set({ version }, 1));
  metrics.gauge(metricTable.waitingCalls, (set) => set({}, connections.slots.totalWaiting));
  metrics.gauge(metricTable.insecure, (set) => {
    set({ setting: 'heartbeats' }, security.mode === 'insecure' ? 1 : 0);
    set({ setting: 'first-kplug' }, security.allowsFirstKplug ? 1 : 0);
  });
  if (security.certificates) addCertificateGauges(metrics, security.certificates);
  addWorkGauges(metrics, measured);
  addWriteGauges(metrics, measured);
  addPluginGauges(metrics, measured);
}

/** Adds the gauges of queues, passes and resources. */
function addWorkGauges(metrics: Metrics, { delegations }: Pick<Measured, 'delegations'>): void {
  const labelOf = ({ settings }: Delegation) => metrics.labelForDelegation(settings.name);
  metrics.gauge(metricTable.queueDepth, (add) => {
    for (const delegation of delegations) add({ name: labelOf(delegation) }, delegation.load.waiting);
  });
  metrics.gauge(metricTable.activePasses, (add) => {
    for (const delegation of delegations) add({ controller: labelOf(delegation) }, delegation.load.active);
  });
  metrics.gauge(metricTable.maxPasses, (add) => {
    for (const delegation of delegations) add({ controller: labelOf(delegation) }, delegation.settings.concurrency);
  });
  metrics.gauge(metricTable.resources, (add) => {
    for (const delegation of delegations) {
      const states: Partial<StateCounts> = delegation.index.group()?.counts ?? {};
      for (const [state, count] of Object.entries(states)) add({ delegation: labelOf(delegation), state }, count);
    }
  });
  metrics.gauge(metricTable.unreadyResources, (add) => {
    for (const delegation of delegations) {
      const { index } = delegation;
      for (const [id, resources] of index.group()?.causes ?? []) {
        const { state, reason } = index.causeOf(id) ?? { state: '', reason: '' };
        add({ delegation: labelOf(delegation), state, reason: metrics.labelForReason(reason) }, resources.size);
      }
    }
  });
  metrics.gauge(metricTable.unreadableKinds, (add) => {
    for (const delegation of delegations) {
      const { problem } = delegation;
      if (problem) add({ delegation: labelOf(delegation), reason: problem.reason }, 1);
    }
  });
  metrics.gauge(metricTable.pausedResources, (add) => {
    for (const delegation of delegations) add({ delegation: labelOf(delegation) }, delegation.counts.paused);
  });
}

/** Adds the gauges of failed writes. */
function addWriteGauges(metrics: Metrics, { delegations }: Pick<Measured, 'delegations'>): void {
  const labelsOf = ({ settings }: Delegation, { failure }: WriteProblem) => ({
    delegation: metrics.labelForDelegation(settings.name),
    reason: metrics.labelForReason(failure.reason),
  });
  metrics.gauge(metricTable.writeBreakers, (add) => {
    for (const delegation of delegations) {
      for (const problem of delegation.writeProblems) add(labelsOf(delegation, problem), 1);
    }
  });
  metrics.gauge(metricTable.heldResources, (add) => {
    for (const delegation of delegations) {
      for (const problem of delegation.writeProblems) add(labelsOf(delegation, problem), problem.held);
    }
  });
}

/** Adds the gauges of plugins. */
function addPluginGauges(
  metrics: Metrics,
  { delegations, registry, folder }: Pick<Measured, 'delegations' | 'registry' | 'folder'>,
): void {
  metrics.gauge(metricTable.suspended, (add) => {
    for (const { settings, suspended } of delegations) {
      const delegation = metrics.labelForDelegation(settings.name);
      for (const { plugin, method } of suspended) add({ delegation, plugin: metrics.labelFor(plugin), method }, 1);
    }
  });
  metrics.gauge(metricTable.instances, (set) => {
    for (const [state, count] of Object.entries(registry.counts)) if (state !== 'gone') set({ state }, count);
  });
  metrics.gauge(metricTable.hosted, (set) => {
    const byState = Map.groupBy(folder?.list() ?? [], ({ state }) => state);
    for (const [state, plugins] of byState) set({ state }, plugins.length);
  });
}
