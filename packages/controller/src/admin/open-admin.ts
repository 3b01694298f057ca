import type { ConnectRouter } from '@connectrpc/connect';
import { DelegationService, HostingService, RegistryService } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { HostedFolder } from '../registry/hosted.ts';
import { listPlugins } from '../registry/plugin-list.ts';
import type { Registry } from '../registry/registry.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { AdminServer } from './admin-server.ts';
import { delegationService } from './delegation-service.ts';
import { hostingService } from './hosting-service.ts';
import { watchOverConnect } from './watch-over-connect.ts';

/** What the admin port shows of a controller. */
export interface AdminView {
  registry: Registry;
  delegations: Iterable<Delegation>;
  events: RecentEvents;
  metrics: Metrics;
  folder: HostedFolder | undefined;
  /** Why the controller isn't ready; empty when it is. */
  notReady: () => readonly string[];
}

/** Where the ports for people and monitoring are; `false` for nowhere. */
export interface AdminAddresses {
  /** Everything. */
  admin: string | false;
  metrics: string | false;
  probes: string | false;
}

/** The ports of a controller that are open. */
export interface AdminPorts {
  /** Where the admin port is; empty without one. */
  address: string;
  close(): Promise<void>;
}

/** Opens the ports of a controller for people and monitoring. Rejects with `PortInUse`, and then none is open. */
export async function openAdmin(addresses: AdminAddresses, view: AdminView): Promise<AdminPorts> {
  const { metrics, notReady } = view;
  const shown = {
    notReady,
    metrics: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
  };
  const admin = new AdminServer({ ...shown, routes: (router) => addServices(router, view) });
  const ports = [
    { server: admin, address: addresses.admin, option: 'the admin address' },
    {
      server: new AdminServer({ metrics: shown.metrics }),
      address: addresses.metrics,
      option: 'the metrics address',
    },
    { server: new AdminServer({ notReady }), address: addresses.probes, option: 'the address of the probes' },
  ];
  const open: AdminServer[] = [];
  const close = async () => void (await Promise.all(open.map((server) => server.close())));
  try {
    for (const { server, address, option } of ports) {
      if (address === false) continue;
      await server.listen(address, option);
      open.push(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { address: admin.address, close };
}

function addServices(router: ConnectRouter, { registry, delegations, events, folder }: AdminView): void {
  router
    .service(RegistryService, {
      listPlugins: (request) => ({ instances: listPlugins(registry, request) }),
      watchPlugins: (request, context) => watchOverConnect(registry, request, context.signal),
    })
    .service(
      DelegationService,
      delegationService(() => delegations, events, registry),
    )
    .service(HostingService, hostingService(folder));
}
