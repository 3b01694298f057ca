// admin/: probes, metrics, the services for users.

import type { ConnectRouter } from '@connectrpc/connect';
import {
  ActionService,
  ActivityService,
  DelegationService,
  EventService,
  HostingService,
  LoadService,
  RefusalService,
  RegistryService,
  SecurityService,
} from '@kplug/protocol';
import type { Logger } from 'pino';
import type { CallRecorder } from '../clients/recording/call-recorder.ts';
import type { Delegation } from '../delegation/delegation.ts';
import { describeWriteProblems } from '../delegation/writes/write-problem.ts';
import type { PortSecurity } from '../ports/guarded-listener.ts';
import type { HostedFolder } from '../registry/hosted.ts';
import { PluginList } from '../registry/plugin-list.ts';
import type { PluginWatches } from '../registry/plugin-watches.ts';
import type { RecentRefusals } from '../registry/recent-refusals.ts';
import type { Registry } from '../registry/registry.ts';
import type { Activities } from '../telemetry/activities.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RecentPasses } from '../telemetry/recent-passes.ts';
import { type ActionPolicy, ActionRights } from './action-rights.ts';
import { actionService } from './action-service.ts';
import { activityService } from './activity-service.ts';
import { ActivityWatches } from './activity-watches.ts';
import { AdminServer, type AdminServerOptions } from './admin-server.ts';
import { type AuthorizerParts, authorizeBy } from './authorize.ts';
import { delegationService } from './delegation-service.ts';
import { eventService } from './event-service.ts';
import { hostingService } from './hosting-service.ts';
import { loadService } from './load-service.ts';
import type { ReadPage } from './page-files.ts';
import { orInvalidToken } from './page-token.ts';
import { refusalService } from './refusal-service.ts';
import { type SecurityView, securityService } from './security-service.ts';
import { serveWatch } from './serve-watch.ts';

/** Parts of a controller that the admin port shows. */
export interface AdminView {
  registry: Registry;
  watches: PluginWatches;
  delegations: Iterable<Delegation>;
  events: RecentEvents;
  activities: Activities;
  passes: RecentPasses;
  /** Recorder of calls; `undefined` if none are recorded. */
  recorder: CallRecorder | undefined;
  log: Logger;
  metrics: Metrics;
  folder: HostedFolder | undefined;
  refusals: RecentRefusals;
  /** Returns how plugins prove their identities and are called. */
  securityView: () => SecurityView;
  /** Reports whether the controller waits for leadership. */
  isStandby: () => boolean;
  /** Returns the reasons why the controller isn't ready; none when it is. */
  notReady: () => readonly string[];
}

/** Security of the admin port. */
export interface AdminSecurity extends AuthorizerParts {
  /** Encryption. Loopback connections may be in plain text. */
  port: PortSecurity;
  /** Rules for actions. */
  actions: ActionPolicy;
}

/** Addresses of the ports for users and monitoring, as `host:port`; `false` for none. */
export interface AdminAddresses {
  /** Port that serves everything. */
  admin: string | false;
  metrics: string | false;
  probes: string | false;
}

/** Options of these ports. */
export interface AdminOptions extends Pick<AdminServerOptions, 'hosts' | 'maxConnections' | 'reporter'> {
  /** Reads the page of the admin port. Default: it has none. */
  page?: ReadPage | undefined;
}

/** Open ports of a controller. */
export interface AdminPorts {
  /** Address of the admin port; empty without one. */
  address: string;
  close(): Promise<void>;
}

/**
 * Opens the ports of a controller for users and monitoring. Rejects with `PortInUse` if any of them fails; none is open then.
 *
 * @param options options of all of these ports, except that only the admin port has a page.
 */
export async function openAdmin(
  addresses: AdminAddresses,
  view: AdminView,
  { port: security, actions, ...parts }: AdminSecurity,
  { page, ...options }: AdminOptions = {},
): Promise<AdminPorts> {
  const { metrics, notReady } = view;
  const degraded = () => describeDegraded(view.delegations);
  const probesAndMetrics = {
    notReady,
    degraded,
    metrics: (accept: string | undefined) => metrics.expose(accept),
  };
  const rights = new ActionRights(actions);
  const admin = new AdminServer(
    { ...probesAndMetrics, page, routes: (router) => addServices(router, view, rights) },
    { ...options, security, authorize: authorizeBy(parts) },
  );
  const ports = [
    { server: admin, address: addresses.admin, option: 'adminAddress' },
    {
      server: new AdminServer({ metrics: probesAndMetrics.metrics }, { ...options, name: 'metrics' }),
      address: addresses.metrics,
      option: 'metricsAddress',
    },
    {
      server: new AdminServer({ notReady, degraded }, { ...options, name: 'probes' }),
      address: addresses.probes,
      option: 'probeAddress',
    },
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

/** Describes the delegations whose writes fail. */
function describeDegraded(delegations: Iterable<Delegation>): string[] {
  return [...delegations].flatMap(({ settings, writeProblems }) => {
    const problem = describeWriteProblems(writeProblems);
    return problem ? [`writes degraded: delegation ${settings.name}: ${problem.reason}: ${problem.message}`] : [];
  });
}

/** Describes the settings by which plugins are less secure than they could be. */
function describeInsecure({ mode, allowsFirstKplug }: SecurityView): string[] {
  return [
    ...(mode === 'insecure' ? ['insecure: plugins need neither TLS nor an identity (--insecure)'] : []),
    ...(allowsFirstKplug
      ? [
          'insecure: plugins of the first Kplug are allowed, whose protocol has no authentication (--allow-insecure-plugins)',
        ]
      : []),
  ];
}

function addServices(
  router: ConnectRouter,
  { registry, watches, delegations, events, metrics, folder, refusals, securityView, isStandby, ...view }: AdminView,
  rights: ActionRights,
): void {
  const plugins = new PluginList(registry);
  router
    .service(RegistryService, {
      listPlugins: async (request) => orInvalidToken(await plugins.read(request)),
      watchPlugins: (request, context) => serveWatch(context, (reader) => watches.open(request, reader)),
    })
    .service(ActionService, actionService({ rights, registry, isStandby, log: view.log }))
    .service(
      ActivityService,
      activityService({
        delegations: () => delegations,
        watches: new ActivityWatches(view.activities),
        passes: view.passes,
        recorder: view.recorder,
      }),
    )
    .service(
      DelegationService,
      delegationService({
        delegations: () => delegations,
        events,
        registry,
        refusals: () => refusals.list(),
        refusalRevision: () => refusals.revision,
        isStandby,
        problems: () => [...view.notReady(), ...describeDegraded(delegations), ...describeInsecure(securityView())],
      }),
    )
    .service(
      EventService,
      eventService(() => delegations, events),
    )
    .service(HostingService, hostingService(folder))
    .service(LoadService, loadService({ delegations: () => delegations, load: metrics.load, registry, isStandby }))
    .service(RefusalService, refusalService(refusals))
    .service(
      SecurityService,
      securityService(securityView, () => registry.nameOwners()),
    );
}
