import {
  type ClusterInspector,
  type ClusterReader,
  groupOf,
  type JsonObject,
  type ResourceKind,
} from '@kplug/controller';
import type { Delegation } from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { type Answer, answerOf } from './answer.ts';
import { checkDelegatedDefinition, checkOwnDefinition, type DelegatedDefinition } from './check-definitions.ts';
import { checkLeader } from './check-leader.ts';
import { askForMissing, checkRights, type UsedKind } from './check-rights.ts';
import { checkDeclared } from './check-rivals.ts';
import {
  checkDeclaredPlugins,
  checkHeartbeatServices,
  checkService,
  heartbeatServices,
  isLookedFor,
  type LeadingService,
  portOf,
} from './check-services.ts';
import type { ClockReading } from './clock-reading.ts';
import { type ClusterView, lookAtCluster, ownPods } from './cluster-view.ts';
import type { Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { similarTo } from './similar.ts';
import type { Waiting } from './waiting.ts';

/** What it takes to examine a cluster. */
export interface ClusterParts {
  reader: ClusterReader;
  inspector: ClusterInspector;
  choice: OperatorChoice;
  /** The API server's. */
  clock: ClockReading | undefined;
  operator: Promise<Answer<OperatorView>>;
  waiting: Waiting;
}

/** What was found on a cluster: of its operator, and of all else. */
export interface ClusterFindings {
  aboutOperator: Finding[];
  aboutCluster: Finding[];
  /** Where plugins in the cluster beat to, as `host:port`, if a Service was found for that. */
  heartbeat: string | undefined;
}

/** Looks for mistakes in what a cluster has for an operator. */
export async function examineCluster(parts: ClusterParts): Promise<ClusterFindings> {
  const { reader, inspector, choice, clock, operator, waiting } = parts;
  const view = await waiting('the objects of the cluster', lookAtCluster(reader, inspector, choice));
  const definitions = waiting('definitions', Promise.all(ownDefinitions.map((one) => askForOwn(inspector, one))));
  const services = waiting('Services', askForServices(inspector, view));
  const delegations = (await operator).value?.delegations.value ?? [];
  const kinds = await waiting('kinds', askForKinds(reader, inspector, delegations));
  const [pod] = ownPods(view);
  const missing = pod && (await waiting('rights', askForMissing(inspector, pod, kinds.flatMap(usedKind))));
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
    ],
  };
}

const ownDefinitions = [
  { name: 'plugins.plugins.kplug.dev', file: 'plugin.crd.yaml' },
  { name: 'delegations.delegations.kplug.dev', file: 'delegation.crd.yaml' },
];

async function askForOwn(inspector: ClusterInspector, { name, file }: { name: string; file: string }) {
  return { name, file, definition: await answerOf(askForDefinition(inspector, name)) };
}

function askForDefinition(inspector: ClusterInspector, name: string): Promise<JsonObject | undefined> {
  return inspector.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(name)}`);
}

async function askForServices(inspector: ClusterInspector, view: ClusterView) {
  const ask = async (service: Omit<LeadingService, 'found'>): Promise<LeadingService> => {
    return { ...service, found: await answerOf(inspector.endpoints(service.namespace, service.service)) };
  };
  const { namespace } = view;
  const heartbeats = heartbeatServices(view).map((service) =>
    ask({ namespace, service, purpose: 'where plugins beat to', check: 'HeartbeatService' }),
  );
  const plugins = (view.declared.value ?? []).flatMap((plugin) => {
    const { kind, namespace: home, name, place } = plugin;
    if (!('service' in place) || !isLookedFor(view, plugin)) return [];
    const purpose = kind === 'Plugin' ? `of the Plugin ${name}` : 'labelled kplug.dev/plugin';
    return [ask({ namespace: home, service: place.service, purpose, check: 'PluginService', plugin })];
  });
  return { heartbeats: await Promise.all(heartbeats), plugins: await Promise.all(plugins) };
}

async function askForKinds(
  reader: ClusterReader,
  inspector: ClusterInspector,
  delegations: readonly Delegation[],
): Promise<DelegatedDefinition[]> {
  const wanted = delegations.flatMap(({ name, apiVersion, kind, extensionKinds }) => [
    { delegation: name, role: 'base' as const, kind: { apiVersion, kind } },
    ...extensionKinds.map((one) => ({
      delegation: name,
      role: 'extension' as const,
      kind: { apiVersion: one.apiVersion, kind: one.kind },
    })),
  ]);
  return Promise.all(
    wanted.map(async (one) => {
      const served = await answerOf(inspector.served(one.kind));
      const group = groupOf(one.kind.apiVersion);
      const definition =
        served.value && group ? askForDefinition(inspector, `${served.value.plural}.${group}`) : undefined;
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

/** Kinds of the same name elsewhere, or spelt like it. None where nobody could say. */
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
