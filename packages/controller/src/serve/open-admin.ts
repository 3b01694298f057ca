import { DelegationService, RegistryService } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { RecentEvents } from '../observe/events.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Registry } from '../registry/registry.ts';
import { AdminServer } from './admin-server.ts';
import { delegationService } from './delegation-service.ts';
import { listPlugins } from './plugin-list.ts';
import { watchOverConnect } from './watch-over-connect.ts';

/** What the admin port shows of a controller. */
export interface AdminView {
  registry: Registry;
  delegations: readonly Delegation[];
  events: RecentEvents;
  metrics: Metrics;
  /** Why the controller isn't ready; empty when it is. */
  notReady: () => readonly string[];
}

/** Opens the admin port of a controller. Rejects with `PortInUse`. */
export async function openAdmin(address: string, view: AdminView): Promise<AdminServer> {
  const { registry, delegations, events, metrics, notReady } = view;
  const admin = new AdminServer({
    routes: (router) =>
      router
        .service(RegistryService, {
          listPlugins: (request) => ({ instances: listPlugins(registry, request) }),
          watchPlugins: (request, context) => watchOverConnect(registry, request, context.signal),
        })
        .service(
          DelegationService,
          delegationService(() => delegations, events),
        ),
    notReady,
    metrics: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
  });
  await admin.listen(address);
  return admin;
}
