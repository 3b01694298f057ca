import { groupOf, type JsonObject, type ResourceKind } from '@kplug/controller';
import type { ClusterInspector, ClusterReader } from '@kplug/controller/tools';
import type { Delegation } from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { type Answer, answerOf } from './answer.ts';
import {
  checkDelegatedDefinition,
  checkOwnDefinition,
  type DelegatedDefinition,
  type OwnDefinition,
} from './check-definitions.ts';
import { checkLeader } from './check-leader.ts';
import { checkNetwork } from './check-network.ts';
import { checkRights, missingPermissions, type UsedKind } from './check-rights.ts';
import { checkDeclared } from './check-rivals.ts';
import {
  type CheckedService,
  checkDeclaredPlugins,
  checkHeartbeatServices,
  checkService,
  heartbeatServices,
  isFollowed,
  portOf,
} from './check-services.ts';
import type { ClockReading } from './clock-reading.ts';
import { type ClusterView, ownPods, readCluster } from './cluster-view.ts';
import type { Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { similarTo } from './similar.ts';
import type { TrackProgress } from './track-progress.ts';

/** Inputs of the examination of a cluster. */
export interface ClusterParts {
  reader: ClusterReader;
  inspector: ClusterInspector;
  choice: OperatorChoice;
  /** Clock of the API server. */
  clock: ClockReading | undefined;
  operator: Promise<Answer<OperatorView>>;
  track: TrackProgress;
}

/** Findings about the operator and about other objects of a cluster. */
export interface ClusterFindings {
  aboutOperator: Finding[];
  aboutCluster: Finding[];
  /** `host:port` of the heartbeat Service, if one was found. */
  heartbeat: string | undefined;
}

/** Checks the objects of a cluster that an operator needs. */
export async function examineCluster(parts: ClusterParts): Promise<ClusterFindings> {
  const { reader, inspector, choice, clock, operator, track } = parts;
  const view = await track('the objects of the cluster', readCluster(reader, inspector, choice));
  const [pod] = ownPods(view);
  const used = pod?.followsAttachments ? [...ownDefinitions, attachmentDefinition] : ownDefinitions;
  const definitions = track('definitions', Promise.all(used.map((one) => readOwnDefinition(inspector, one))));
  const services = track('Services', readServices(inspector, view));
  const delegations = (await operator).value?.delegations.value ?? [];
  const kinds = await track('kinds', readKinds(reader, inspector, delegations));
  const missing = pod && (await track('permissions', missingPermissions(inspector, pod, kinds.flatMap(usedKind))));
  const { heartbeats, plugins } = await services;
  const [first] = heartbeats;
  return {
    heartbeat: first && `${first.service.name}.${first.namespace}.svc:${portOf(view, first.service)}`,
    aboutOperator: checkLeader(view, clock, choice),
    aboutCluster: [
      ...(await definitions).map(checkOwnDefinition),
      ...kinds.flatMap(checkDelegatedDefinition),
      ...checkRights(pod, missing),
      ...checkHeartbeatServices(view, heartbeats, choice),
      ...plugins.flatMap((service) => checkService(view, service, choice)),
      ...checkDeclaredPlugins(view, plugins),
      ...checkDeclared(view),
      ...checkNetwork(view, (await operator).value),
    ],
  };
}

const ownDefinitions: readonly Omit<OwnDefinition, 'definition'>[] = [
  { name: 'plugins.plugins.kplug.dev', file: 'plugin.crd.yaml' },
  { name: 'delegations.delegations.kplug.dev', file: 'delegation.crd.yaml' },
  {
    name: 'providedcapabilities.catalogue.kplug.dev',
    file: 'provided-capability.crd.yaml',
    consequence: 'kubectl does not list the capabilities that can be asked for',
  },
];

const attachmentDefinition = {
  name: 'attachments.attachments.kplug.dev',
  file: 'attachment.crd.yaml',
  consequence: '"kplug attach" does not work',
};

async function readOwnDefinition(inspector: ClusterInspector, own: Omit<OwnDefinition, 'definition'>) {
  return { ...own, definition: await answerOf(readDefinition(inspector, own.name)) };
}

function readDefinition(inspector: ClusterInspector, name: string): Promise<JsonObject | undefined> {
  return inspector.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(name)}`);
}

async function readServices(inspector: ClusterInspector, view: ClusterView) {
  const read = async (service: Omit<CheckedService, 'found'>): Promise<CheckedService> => {
    return { ...service, found: await answerOf(inspector.endpoints(service.namespace, service.service)) };
  };
  const { namespace } = view;
  const heartbeats = heartbeatServices(view).map((service) =>
    read({ namespace, service, purpose: 'for heartbeats', check: 'HeartbeatService' }),
  );
  const plugins = (view.declared.value ?? []).flatMap((plugin) => {
    const { kind, namespace: home, name, place } = plugin;
    if (!('service' in place) || !isFollowed(view, plugin)) return [];
    const purpose = kind === 'Plugin' ? `of the Plugin ${name}` : 'labelled kplug.dev/plugin';
    return [read({ namespace: home, service: place.service, purpose, check: 'PluginService', plugin })];
  });
  return { heartbeats: await Promise.all(heartbeats), plugins: await Promise.all(plugins) };
}

async function readKinds(
  reader: ClusterReader,
  inspector: ClusterInspector,
  delegations: readonly Delegation[],
): Promise<DelegatedDefinition[]> {
  const wanted = delegations.flatMap((delegation) => {
    const { extensionKinds, requiredKinds, dependentKinds, asksCapability } = delegation;
    const of = <Role extends DelegatedDefinition['role']>(role: Role, { apiVersion, kind }: ResourceKind) => {
      return { delegation: delegation.name, role, kind: { apiVersion, kind } };
    };
    return [
      { ...of('base', delegation), hasDependents: dependentKinds.length > 0, asksCapability },
      ...dependentKinds.map((one) => of('dependent', one)),
      ...extensionKinds.map((one) => of('extension', one)),
      ...requiredKinds.map((one) => of('required', one)),
    ];
  });
  return Promise.all(
    wanted.map(async (one) => {
      const served = await answerOf(inspector.served(one.kind));
      const group = groupOf(one.kind.apiVersion);
      const definition =
        served.value && group ? readDefinition(inspector, `${served.value.plural}.${group}`) : undefined;
      const isMissing = served.failure === undefined && !served.value;
      return {
        ...one,
        served,
        definition: definition ? await answerOf(definition) : { value: undefined },
        similar: isMissing ? await findSimilar(reader, one.kind) : [],
      };
    }),
  );
}

/** Returns kinds of the same name in other groups, or with a similar name. Returns none if the kinds are unknown. */
async function findSimilar(reader: ClusterReader, { apiVersion, kind }: ResourceKind): Promise<ResourceKind[]> {
  const all = (await answerOf(reader.kinds())).value ?? [];
  const sameGroup = all.filter((one) => groupOf(one.apiVersion) === groupOf(apiVersion));
  const names = new Set([
    kind,
    ...similarTo(
      kind,
      sameGroup.map((one) => one.kind),
    ),
  ]);
  return all.filter((one) => one.kind === kind || (sameGroup.includes(one) && names.has(one.kind))).slice(0, 3);
}

function usedKind({ kind, role, served }: DelegatedDefinition): UsedKind[] {
  return served.value ? [{ kind, role, served: served.value }] : [];
}
