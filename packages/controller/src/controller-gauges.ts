import type { CertificateObserver, CertificateSource } from './certificates/certificate-source.ts';
import type { Connections } from './clients/connections.ts';
import type { ControllerSecurity } from './controller-security.ts';
import type { Delegations } from './delegation/delegations.ts';
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
export function addGauges(metrics: Metrics, { connections, delegations, registry, folder, security }: Measured): void {
  metrics.gauge(metricTable.build, (set) => set({ version }, 1));
  metrics.gauge(metricTable.queueDepth, (set) => {
    for (const { settings, load } of delegations) set({ name: settings.name }, load.waiting);
  });
  metrics.gauge(metricTable.activePasses, (set) => {
    for (const { settings, load } of delegations) set({ controller: settings.name }, load.active);
  });
  metrics.gauge(metricTable.pausedResources, (set) => {
    for (const { settings, counts } of delegations) set({ delegation: settings.name }, counts.paused);
  });
  metrics.gauge(metricTable.waitingCalls, (set) => {
    set({}, connections.slots.totalWaiting);
  });
  metrics.gauge(metricTable.insecure, (set) => {
    set({ setting: 'heartbeats' }, security.mode === 'insecure' ? 1 : 0);
    set({ setting: 'first-kplug' }, security.allowsFirstKplug ? 1 : 0);
  });
  if (security.certificates) addCertificateGauges(metrics, security.certificates);
  metrics.gauge(metricTable.writeBreakers, (set) => {
    for (const { settings, writeProblems } of delegations) {
      for (const { failure } of writeProblems) set({ delegation: settings.name, reason: failure.reason }, 1);
    }
  });
  metrics.gauge(metricTable.heldResources, (set) => {
    for (const { settings, writeProblems } of delegations) {
      const byReason = Map.groupBy(writeProblems, ({ failure }) => failure.reason);
      for (const [reason, problems] of byReason) {
        const held = problems.reduce((sum, problem) => sum + problem.held, 0);
        set({ delegation: settings.name, reason }, held);
      }
    }
  });
  metrics.gauge(metricTable.suspended, (add) => {
    for (const { settings, suspended } of delegations) {
      for (const { plugin, method } of suspended) {
        add({ delegation: settings.name, plugin: metrics.labelFor(plugin), method }, 1);
      }
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
