import type { Delegations } from './delegation/delegations.ts';
import type { HostedFolder } from './registry/hosted.ts';
import type { Registry } from './registry/registry.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { version } from './version.ts';

/** Objects that the gauges measure. */
interface Measured {
  delegations: Delegations;
  registry: Registry;
  folder: HostedFolder | undefined;
}

/** Adds the gauges of a controller, which are measured at each scrape. */
export function addGauges(metrics: Metrics, { delegations, registry, folder }: Measured): void {
  metrics.gauge('kplug_build_info', 'Version of Kplug; always 1', ['version'], (set) => set({ version }, 1));
  metrics.gauge('workqueue_depth', 'Resources waiting to be reconciled', ['name'], (set) => {
    for (const { settings, load } of delegations) set({ name: settings.name }, load.waiting);
  });
  metrics.gauge('controller_runtime_active_workers', 'Resources being reconciled', ['controller'], (set) => {
    for (const { settings, load } of delegations) set({ controller: settings.name }, load.active);
  });
  metrics.gauge('kplug_plugin_instances', 'Known plugin instances by state', ['state'], (set) => {
    for (const [state, count] of Object.entries(registry.counts)) if (state !== 'gone') set({ state }, count);
  });
  metrics.gauge('kplug_hosted_plugins', 'Plugins of the plugins folder by state', ['state'], (set) => {
    const byState = Map.groupBy(folder?.list() ?? [], ({ state }) => state);
    for (const [state, plugins] of byState) set({ state }, plugins.length);
  });
}
