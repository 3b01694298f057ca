import type { CertificateObserver, CertificateSource } from './certificates/certificate-source.ts';
import type { Connections } from './clients/connections.ts';
import type { ControllerSecurity } from './controller-security.ts';
import type { Delegations } from './delegation/delegations.ts';
import type { HostedFolder } from './registry/hosted.ts';
import type { Registry } from './registry/registry.ts';
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
  metrics.gauge(
    'kplug_certificate_expiration_timestamp_seconds',
    'Expiry of a certificate of the operator, in seconds since the epoch',
    ['certificate'],
    (set) => {
      for (const { certificate, notAfter } of source.expiries()) set({ certificate }, notAfter / 1_000);
    },
  );
}

/** Adds the gauge of the leader election. */
export function addLeadershipGauge(metrics: Metrics, leadership: { readonly leads: boolean }): void {
  metrics.gauge('leader_election_master_status', 'Leadership of this controller: 1 or 0', ['name'], (set) => {
    set({ name: 'kplug' }, leadership.leads ? 1 : 0);
  });
}

/** Adds the gauges of a controller, which are measured at each scrape. */
export function addGauges(metrics: Metrics, { connections, delegations, registry, folder, security }: Measured): void {
  metrics.gauge('kplug_build_info', 'Version of Kplug; always 1', ['version'], (set) => set({ version }, 1));
  metrics.gauge('workqueue_depth', 'Resources waiting to be reconciled', ['name'], (set) => {
    for (const { settings, load } of delegations) set({ name: settings.name }, load.waiting);
  });
  metrics.gauge('controller_runtime_active_workers', 'Resources being reconciled', ['controller'], (set) => {
    for (const { settings, load } of delegations) set({ controller: settings.name }, load.active);
  });
  metrics.gauge(
    'kplug_paused_resources',
    'Resources that the annotation kplug.dev/paused pauses',
    ['delegation'],
    (set) => {
      for (const { settings, counts } of delegations) set({ delegation: settings.name }, counts.paused);
    },
  );
  metrics.gauge('kplug_waiting_calls', 'Calls waiting for their turn at plugins of the first Kplug', [], (set) => {
    set({}, connections.slots.totalWaiting);
  });
  metrics.gauge(
    'kplug_insecure',
    'Settings that make plugins insecure: 1 if set. `heartbeats`: --insecure; `first-kplug`: --allow-insecure-plugins',
    ['setting'],
    (set) => {
      set({ setting: 'heartbeats' }, security.mode === 'insecure' ? 1 : 0);
      set({ setting: 'first-kplug' }, security.allowsFirstKplug ? 1 : 0);
    },
  );
  if (security.certificates) addCertificateGauges(metrics, security.certificates);
  const causes = ['delegation', 'reason'] as const;
  metrics.gauge('kplug_write_breaker_open', 'Causes for which writes fail; 1 for each', [...causes], (set) => {
    for (const { settings, writeProblems } of delegations) {
      for (const { failure } of writeProblems) set({ delegation: settings.name, reason: failure.reason }, 1);
    }
  });
  metrics.gauge('kplug_held_resources', 'Resources waiting until writes succeed again', [...causes], (set) => {
    for (const { settings, writeProblems } of delegations) {
      const byReason = Map.groupBy(writeProblems, ({ failure }) => failure.reason);
      for (const [reason, problems] of byReason) {
        const held = problems.reduce((sum, problem) => sum + problem.held, 0);
        set({ delegation: settings.name, reason }, held);
      }
    }
  });
  metrics.gauge(
    'kplug_plugin_suspended',
    'Plugins that get no calls of a method because these time out: number of suspended versions',
    ['delegation', 'plugin', 'method'],
    (add) => {
      for (const { settings, suspended } of delegations) {
        for (const { plugin, method } of suspended) {
          add({ delegation: settings.name, plugin: metrics.labelFor(plugin), method }, 1);
        }
      }
    },
  );
  metrics.gauge('kplug_plugin_instances', 'Known plugin instances by state', ['state'], (set) => {
    for (const [state, count] of Object.entries(registry.counts)) if (state !== 'gone') set({ state }, count);
  });
  metrics.gauge('kplug_hosted_plugins', 'Plugins of the plugins folder by state', ['state'], (set) => {
    const byState = Map.groupBy(folder?.list() ?? [], ({ state }) => state);
    for (const [state, plugins] of byState) set({ state }, plugins.length);
  });
}
