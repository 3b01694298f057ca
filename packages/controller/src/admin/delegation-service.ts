import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  type CandidateSchema,
  ConditionStatus,
  type DelegatedResourceSchema,
  type DelegationSchema,
  type DelegationService,
  EventType,
  type ExplainResourceResponseSchema,
} from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import { findHolder, registeredOf } from '../delegation/holder.ts';
import { holdersOf, isReady } from '../delegation/status.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import { findCondition } from '../resources/conditions.ts';
import { isKindNamed } from '../resources/kind-name.ts';
import { keyOf, type Resource } from '../resources/resource.ts';
import { explainVerdict } from '../selection/explain.ts';
import { type SelectionRequest, select, type Verdict } from '../selection/select.ts';
import type { RecentEvents } from '../telemetry/events.ts';

/** Implements `kplug.v1.DelegationService`: the delegations, their resources, and the reasons for choices. */
export function delegationService(
  delegations: () => Iterable<Delegation>,
  events: RecentEvents,
  registry: Registry,
): ServiceImpl<typeof DelegationService> {
  return {
    listDelegations: () => ({ delegations: [...delegations()].map((one) => describeDelegation(one, registry)) }),

    listResources: ({ delegation: wanted }) => {
      const resources = [...delegations()]
        .filter(({ settings }) => !wanted || settings.name === wanted)
        .flatMap((delegation) => [...delegation.bases()].map((base) => describeResource(base, delegation)));
      return { resources: resources.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1)) };
    },

    explainResource: ({ kind, namespace, name }) => {
      for (const delegation of delegations()) {
        const base = isOfKind(delegation, kind) && findBase(delegation, namespace, name);
        if (base) return explain(base, delegation, { events, registry });
      }
      const where = namespace ? ` in the namespace ${namespace}` : '';
      throw new ConnectError(`no delegated ${kind} is named ${name}${where}`, Code.NotFound);
    },
  };
}

function findBase(delegation: Delegation, namespace: string, name: string): Resource | undefined {
  for (const base of delegation.bases()) {
    if (base.metadata.name === name && (base.metadata.namespace ?? '') === namespace) return base;
  }
  return undefined;
}

function describeDelegation(delegation: Delegation, registry: Registry): MessageInitShape<typeof DelegationSchema> {
  const { name, base, api, rules, extensions, namespaces = [] } = delegation.settings;
  const { reason: problemReason = '', message: problemMessage = '' } = delegation.problem ?? {};
  const bases = [...delegation.bases()];
  return {
    name,
    apiVersion: base.apiVersion,
    kind: base.kind,
    pluginApi: api,
    pluginApiRange: rules.apiRange.raw,
    resources: bases.length,
    ready: bases.filter(isReady).length,
    problemReason,
    problemMessage,
    candidates: registry.implementations(api).map((implementation) => judgeAlone(implementation, delegation)),
    extensionKinds: extensions.kinds?.map((kind) => ({ ...kind })) ?? [],
    namespaces: [...namespaces],
  };
}

/** Judges a plugin as if it were the only candidate, for any resource of a delegation. */
function judgeAlone(
  implementation: Implementation,
  { settings: { rules } }: Delegation,
): MessageInitShape<typeof CandidateSchema> {
  const request: SelectionRequest = { preference: undefined, present: [] };
  const { verdicts } = select([implementation], { ...rules, mode: 'one', fallback: 'any' }, request);
  const [verdict = { candidate: implementation, reason: 'Unreachable' as const }] = verdicts;
  return { ...describeCandidate(verdict), message: explainVerdict(verdict, rules, request) };
}

function describeResource(base: Resource, delegation: Delegation): MessageInitShape<typeof DelegatedResourceSchema> {
  const { settings } = delegation;
  const failure = delegation.writeFailureOf(keyOf(base));
  const holders = holdersOf(base);
  const ready = findCondition(base.status, 'Ready');
  return {
    key: keyOf(base),
    delegation: settings.name,
    generation: BigInt(base.metadata.generation),
    observedGeneration: BigInt(Number(base.status?.observedGeneration ?? 0)),
    plugin: holders.map(({ plugin }) => plugin.text).join(','),
    pluginVersion: holders.map(({ version }) => version).join(','),
    selectionReason: findCondition(base.status, 'PluginSelected')?.reason ?? '',
    // A status that can't be written may be out of date.
    ready: failure ? ConditionStatus.FALSE : conditionStatuses[ready?.status ?? 'Unknown'],
    readyReason: failure?.code ?? ready?.reason ?? '',
    readyMessage: failure?.message ?? ready?.message ?? '',
  };
}

function explain(
  base: Resource,
  delegation: Delegation,
  { events, registry }: { events: RecentEvents; registry: Registry },
): MessageInitShape<typeof ExplainResourceResponseSchema> {
  const choice = delegation.explain(base);
  const { verdicts } = choice.selection;
  const key = keyOf(base);
  const nextPassAt = delegation.nextPassAt(key);
  return {
    resource: describeResource(base, delegation),
    preference: choice.request.preference?.text ?? '',
    reason: choice.reason,
    message: choice.message,
    ...(base.metadata.deletionTimestamp !== undefined && {
      reason: 'Deleted',
      message: explainDeletion(base, delegation, registry),
    }),
    candidates: [
      ...[...verdicts].sort(chosenFirst).map((verdict) => ({
        ...describeCandidate(verdict),
        message: explainVerdict(verdict, delegation.settings.rules, choice.request),
      })),
      ...holdersOfOtherApis(base, delegation, registry),
    ],
    events: events.of(key).map(({ type, reason, message, count, lastAt }) => ({
      event: { type: type === 'Warning' ? EventType.WARNING : EventType.NORMAL, reason, message, target: key },
      count,
      lastAt: timestampFromMs(lastAt),
    })),
    ...(nextPassAt === undefined ? {} : { nextPassAt: timestampFromMs(nextPassAt) }),
  };
}

/** Names the plugins that have to finalize a resource before it is gone. */
function explainDeletion(base: Resource, { settings }: Delegation, registry: Registry): string {
  const holders = holdersOf(base).map((holder) => {
    const api = holder.api === undefined ? '' : ` (API ${holder.api} ${holder.apiVersion ?? ''})`;
    const found = findHolder(holder, settings, registry);
    const state = !found ? 'it is unavailable' : `${formatPlugin(found)} is available`;
    return `${formatPlugin(holder)}${api} holds the resource and must finalize it; ${state}`;
  });
  return holders.join('; ') || 'no plugin holds the resource';
}

/** Describes the plugins that hold a resource through an API which isn't the delegation's. */
function holdersOfOtherApis(
  base: Resource,
  { settings }: Delegation,
  registry: Registry,
): MessageInitShape<typeof CandidateSchema>[] {
  const implementations = holdersOf(base).flatMap((holder) => registeredOf(holder, settings, registry));
  return [...new Set(implementations)]
    .filter(({ api }) => api.name !== settings.api)
    .map((candidate) => ({
      ...countInstances(candidate),
      reason: 'Holder',
      message: `holds the resource through the API ${candidate.api.name} ${candidate.api.version.version}`,
    }));
}

function describeCandidate({ candidate, reason }: Verdict<Implementation>): MessageInitShape<typeof CandidateSchema> {
  return { ...countInstances(candidate), chosen: reason === 'Chosen', reason };
}

function countInstances({
  plugin,
  version,
  callable,
  instances,
}: Implementation): MessageInitShape<typeof CandidateSchema> {
  return { plugin: plugin.text, version, readyInstances: callable.length, instances: instances.size };
}

const conditionStatuses = {
  True: ConditionStatus.TRUE,
  False: ConditionStatus.FALSE,
  Unknown: ConditionStatus.UNKNOWN,
} as const;

function chosenFirst(a: Verdict, b: Verdict): number {
  const byChoice = Number(b.reason === 'Chosen') - Number(a.reason === 'Chosen');
  return (
    byChoice ||
    a.candidate.plugin.text.localeCompare(b.candidate.plugin.text) ||
    b.candidate.semver.compare(a.candidate.semver)
  );
}

/** Users may also name the delegation instead of the kind. */
function isOfKind({ settings }: Delegation, name: string): boolean {
  return isKindNamed(settings.base, name) || name === settings.name;
}
