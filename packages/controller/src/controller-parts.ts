import type { Logger } from 'pino';
import { AttachmentResources, type AttachmentResourcesParts } from './attachment-resources/attachment-resources.ts';
import { Attachments } from './attachments/attachments.ts';
import { type CatalogueParts, CatalogueWriter } from './catalogue/catalogue-writer.ts';
import type { PluginSecurity } from './certificates/plugin-channels.ts';
import type { CallObserver } from './clients/call-observer.ts';
import { PluginCaller } from './clients/caller.ts';
import { Connections } from './clients/connections.ts';
import type { PluginTransport } from './clients/plugin-transport.ts';
import { CallRecorder } from './clients/recording/call-recorder.ts';
import { countCertificates } from './controller-gauges.ts';
import type { ControllerOptions } from './controller-options.ts';
import { ControllerSecurity } from './controller-security.ts';
import { Delegations } from './delegation/delegations.ts';
import { DelegationResources } from './delegation-resources/delegation-resources.ts';
import { PluginProber } from './discovery/plugin-prober.ts';
import { KplugError } from './errors.ts';
import { admissionBy } from './heartbeat/admission.ts';
import { Gate } from './heartbeat/gate.ts';
import { HeartbeatServer } from './heartbeat/heartbeat-server.ts';
import { RefusalLog } from './heartbeat/refusal-log.ts';
import type { HeartbeatObserver } from './heartbeat/registry-service.ts';
import { V0Sources } from './heartbeat/v0/v0-sources.ts';
import type { VersionedName } from './names.ts';
import { observeActivities } from './observe-activities.ts';
import { PluginResourceWriter } from './plugin-resources/plugin-resource-writer.ts';
import { PodObserver } from './plugin-resources/pod-observer.ts';
import { readDelegations } from './read-delegations.ts';
import { AwakeClock } from './registry/clock.ts';
import { LeasePolicy } from './registry/lease-policy.ts';
import { PluginWatches } from './registry/plugin-watches.ts';
import { RegistrationReader } from './registry/read-registration.ts';
import { RecentRefusals } from './registry/recent-refusals.ts';
import { nameOfRefusal } from './registry/refusal.ts';
import { Registry } from './registry/registry.ts';
import { Reservations } from './registry/reservations.ts';
import { defaultAdmission } from './selection/admission.ts';
import { GivenPrograms } from './supervisor/given-programs.ts';
import type { SupervisorDependencies } from './supervisor/hosted-plugins.ts';
import { PluginsFolder } from './supervisor/plugins-folder.ts';
import { RecentEvents } from './telemetry/events.ts';
import { Metrics } from './telemetry/metrics.ts';

/** Parts of a controller. */
export type ControllerParts = ReturnType<typeof assembleParts>;

/**
 * Creates the parts of a controller and connects them; starts none. Throws `InvalidConfiguration`.
 *
 * @param transport transport to plugins. Default: gRPC.
 * @param channels decision on how plugins are called. Default: as the options of security say.
 */
export function assembleParts(
  options: ControllerOptions,
  log: Logger,
  transport?: PluginTransport,
  channels?: PluginSecurity,
) {
  const { resources, registryCapacity: capacity, allowInsecurePlugins: allowInsecure = false, nameRetention } = options;
  const { services = {} } = resources;
  const admissionByDefault = defaultAdmission(services.namespace ?? '');
  const settings = readDelegations(options);

  const clock = new AwakeClock();
  const registry = new Registry({
    clock,
    allowInsecure,
    ...(capacity !== undefined && { capacity }),
    ...(nameRetention !== undefined && { nameRetention }),
    ...(options.registryQuota && { quota: options.registryQuota }),
  });
  const metrics = new Metrics();
  const security = new ControllerSecurity(options, log, {
    authenticated: (method, result) => metrics.authenticated(method, result),
    ...countCertificates(metrics),
  });
  const pluginSecurity = channels ?? security.channels;
  const { activities, passes, passObserver } = observeActivities(registry);
  const events = new RecentEvents(log, services.events, (event) => activities.add({ kind: 'event', event }));
  services.observeRequests?.((request) => metrics.requested(request));

  const connections = new Connections(registry, options.connections, transport, pluginSecurity);
  const recorder = recorderOf(options);
  const caller = new PluginCaller(connections, observing(metrics, options.onCall), recorder);
  const attachments = attachmentsOf(options);
  const delegations = new Delegations({
    resources,
    registry,
    caller,
    events,
    observer: metrics,
    passObserver,
    log,
    attachments,
  });
  for (const one of settings) delegations.add(one);
  const { followDelegations = false, concurrency } = options;
  const delegationResources = followDelegations
    ? new DelegationResources({
        resources,
        registry,
        delegations,
        operator: followDelegations === true ? '' : followDelegations.operator,
        defaults: { concurrency, admission: admissionByDefault },
        log,
      })
    : undefined;

  const attachmentResources = openAttachments(options, { registry, delegations, attachments, connections, clock, log });

  const { reservedAddresses: reserved = [], identities } = services;
  const reader = new RegistrationReader(new LeasePolicy(options.lease), { reserved, ...options.addresses });
  const reservations = new Reservations();
  const refusalLog = new RefusalLog(log);
  const refusals = new RecentRefusals();
  registry.subscribe(({ instance, from, registrationChanged }) => {
    if (instance.state !== from) metrics.instanceChanged(instance.registration.plugin, instance.state);
    if (from === undefined || registrationChanged) refusals.accepted(instance.registration);
  });
  const observer: HeartbeatObserver = {
    received: (way) => metrics.received(way),
    refused: (refusal, claims) => {
      metrics.refused(nameOfRefusal(refusal.reason));
      refusalLog.refused(refusal, claims);
      refusals.record(refusal, claims);
    },
  };
  const watches = new PluginWatches(registry);
  const gate = new Gate({
    security: security.mode,
    reservations,
    attachments,
    ...(security.ways.length > 0 && { authenticator: security }),
  });
  const admission = admissionBy({
    security: security.mode,
    fallback: admissionByDefault,
    uses: () => [...delegations].map(({ settings: { api, rules } }) => ({ api, admission: rules.admission })),
  });
  const v0Sources = openV0Sources(options);
  const heartbeats = new HeartbeatServer(
    {
      ...{ registry, reader, observer, gate, admission, v0Sources, watches, attachments },
      podNetwork: services.podNetwork,
      security: security.mode,
      onTunnel: (attachment) => attachmentResources?.onTunnel(attachment),
    },
    {
      security: security.port,
      reporter: { log, observer: metrics },
      hasPrivatePort: options.pluginsFolder !== undefined || options.programs !== undefined,
      ...(options.heartbeatConnections && { connections: options.heartbeatConnections }),
    },
  );
  const onNewCode = (plugin: VersionedName) => delegations.reconcileAgain(plugin);
  const folder = openHosting(options, { registry, reservations, log, identities, onNewCode });

  const { plugins: store, pods: podStore, declarations } = services;
  const pluginResources = store && new PluginResourceWriter(registry, store, log, options.pluginResources, folder);
  const catalogue = openCatalogue(options, { registry, delegations, log });
  const pods = podStore && new PodObserver(registry, podStore);
  const prober =
    declarations &&
    new PluginProber(
      {
        registry,
        reader,
        declarations,
        inFlight: (instance) => connections.inFlight(instance),
        security: pluginSecurity,
        reporter: pluginResources,
      },
      options.probing,
    );

  return {
    clock,
    registry,
    watches,
    metrics,
    events,
    activities,
    passes,
    recorder,
    connections,
    caller,
    defaultAdmission: admissionByDefault,
    security,
    delegations,
    delegationResources,
    attachments,
    attachmentResources,
    v0Sources,
    heartbeats,
    refusals,
    folder,
    pluginResources,
    catalogue,
    pods,
    prober,
  };
}

/** Returns the recorder of calls, if they are recorded. */
function recorderOf({ recordCalls = false }: ControllerOptions): CallRecorder | undefined {
  return recordCalls ? new CallRecorder() : undefined;
}

/** Returns an observer of calls that also notifies a listener. */
function observing(metrics: Metrics, onCall: ControllerOptions['onCall']): CallObserver {
  if (!onCall) return metrics;
  return {
    calling: (plugin) => metrics.calling(plugin),
    called: (call) => {
      metrics.called(call);
      onCall(call);
    },
  };
}

/** Returns the plugins that the controller runs, if it does. Throws `InvalidConfiguration`. */
function openHosting(
  { pluginsFolder, programs }: ControllerOptions,
  dependencies: SupervisorDependencies,
): PluginsFolder | GivenPrograms | undefined {
  if (pluginsFolder && programs) {
    throw new KplugError('InvalidConfiguration', 'pluginsFolder and programs exclude each other; remove one of them');
  }
  if (programs) return new GivenPrograms(programs, dependencies);
  return pluginsFolder && new PluginsFolder(pluginsFolder, dependencies);
}

/** Returns the attachments, of which there are none yet; `undefined` where they are not followed. */
function attachmentsOf({ followAttachments = false }: ControllerOptions): Attachments | undefined {
  return followAttachments ? new Attachments() : undefined;
}

/** Returns what brings attachments into effect; `undefined` where they are not followed. */
function openAttachments(
  { resources }: ControllerOptions,
  {
    attachments,
    ...parts
  }: Omit<AttachmentResourcesParts, 'resources' | 'attachments' | 'store'> & {
    attachments: Attachments | undefined;
  },
): AttachmentResources | undefined {
  const store = resources.services?.attachments;
  return attachments && new AttachmentResources({ ...parts, resources, attachments, store });
}

/** Returns the writer of the catalogue of capabilities; `undefined` where the resources have no store for it. */
function openCatalogue(
  { resources, catalogue }: ControllerOptions,
  parts: Pick<CatalogueParts, 'registry' | 'delegations' | 'log'>,
): CatalogueWriter | undefined {
  const { catalogue: store, namespace = '' } = resources.services ?? {};
  return store && new CatalogueWriter({ ...parts, store, operator: namespace }, catalogue);
}

/** Returns the sources whose v0 plugins are accepted; `undefined` for all. Throws `InvalidConfiguration`. */
function openV0Sources({
  resources,
  allowInsecurePlugins = false,
  insecurePluginsFrom,
}: ControllerOptions): V0Sources | undefined {
  if (!insecurePluginsFrom) return undefined;
  if (!allowInsecurePlugins) {
    throw new KplugError(
      'InvalidConfiguration',
      'insecurePluginsFrom restricts allowInsecurePlugins, which is not set; set both, or remove it',
    );
  }
  const { services } = resources;
  return new V0Sources(insecurePluginsFrom, services?.locatePods?.bind(services));
}
