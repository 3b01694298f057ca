import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  type CandidateSchema,
  ConditionStatus,
  type DelegatedResourceSchema,
  type DelegationSchema,
  type DelegationService,
  type ExplainResourceResponseSchema,
  type OperationInProgressSchema,
} from '@kplug/protocol';
import { isPaused } from '../delegation/control-annotations.ts';
import type { Delegation } from '../delegation/delegation.ts';
import { findHolder, registeredOf } from '../delegation/holders/holder.ts';
import { isCancelled, type Operation } from '../delegation/operations/operation.ts';
import { describePause } from '../delegation/passes/report-paused.ts';
import { describeWriteProblems } from '../delegation/writes/write-problem.ts';
import { formatPlugin } from '../names.ts';
import { SortedPages } from '../paging/sorted-pages.ts';
import { visitAll } from '../queue/slices.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import { findCondition } from '../resources/conditions.ts';
import { isKindNamed } from '../resources/kind-name.ts';
import { formatKey, keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { explainVerdict } from '../selection/explain.ts';
import { type SelectionRequest, select, type Verdict } from '../selection/select.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import { describeEvent } from './describe-event.ts';
import { orInvalidToken } from './page-token.ts';
import { describeDependents, describeExtensions, describeRequirement } from './related-resources.ts';

/** Resource of a list. */
interface ListedResource {
  readonly key: ResourceKey;
  readonly delegation: Delegation;
}

/** Implements `kplug.v1.DelegationService`: the delegations, their resources, and the reasons for choices. */
export function delegationService(
  delegations: () => Iterable<Delegation>,
  events: RecentEvents,
  registry: Registry,
): ServiceImpl<typeof DelegationService> {
  const byName = new SortedPages<Delegation>({
    collect: async (add) => [...delegations()].forEach(add),
    positionOf: ({ settings: { name } }) => [name],
    positionLength: 1,
    exists: () => true,
  });
  const byKey = new SortedPages<ListedResource>({
    collect: async (add) => {
      for (const delegation of delegations()) {
        await delegation.visitBases((base) => add({ key: keyOf(base), delegation }));
      }
    },
    positionOf: ({ key }) => [key],
    positionLength: 1,
    exists: ({ key, delegation }) => delegation.get(key) !== undefined,
  });
  return {
    listDelegations: async (request) => {
      const { items, nextPageToken } = orInvalidToken(await byName.read(request, () => true));
      const described = [];
      for (const delegation of items) described.push(await describeDelegation(delegation, registry));
      return { delegations: described, nextPageToken };
    },

    listResources: async (request) => {
      const isWanted = ({ delegation: { settings } }: ListedResource) =>
        !request.delegation || settings.name === request.delegation;
      const { items, nextPageToken } = orInvalidToken(await byKey.read(request, isWanted));
      const resources = items.flatMap(({ key, delegation }) => {
        const base = delegation.get(key);
        return base ? [describeResource(base, delegation)] : [];
      });
      return { resources, nextPageToken };
    },

    explainResource: ({ kind, namespace, name }) => {
      for (const delegation of delegations()) {
        const base =
          isOfKind(delegation, kind) && delegation.get(formatKey({ ...delegation.settings.base, namespace, name }));
        if (base) return explain(base, delegation, { events, registry });
      }
      const where = namespace ? ` in the namespace ${namespace}` : '';
      throw new ConnectError(`no delegated ${kind} is named ${name}${where}`, Code.NotFound);
    },
  };
}

async function describeDelegation(
  delegation: Delegation,
  registry: Registry,
): Promise<MessageInitShape<typeof DelegationSchema>> {
  const {
    name,
    base,
    api,
    rules,
    extensions,
    requirements,
    dependents,
    capabilityPaths,
    namespaces = [],
  } = delegation.settings;
  const problem = delegation.problem ?? describeWriteProblems(delegation.writeProblems);
  const { reason: problemReason = '', message: problemMessage = '' } = problem ?? {};
  const { total, ready } = delegation.counts;
  const candidates: MessageInitShape<typeof CandidateSchema>[] = [];
  await visitAll(registry.implementations(api), (one) => candidates.push(judgeAlone(one, delegation)));
  return {
    name,
    apiVersion: base.apiVersion,
    kind: base.kind,
    pluginApi: api,
    pluginApiRange: rules.apiRange.raw,
    resources: total,
    ready,
    problemReason,
    problemMessage,
    candidates,
    extensionKinds: extensions.kinds?.map((kind) => ({ ...kind })) ?? [],
    namespaces: [...namespaces],
    requiredKinds: requirements.kinds.map(({ apiVersion, kind }) => ({ apiVersion, kind })),
    dependentKinds: dependents.permittedKinds.map((kind) => ({ ...kind })),
    asksCapability: capabilityPaths !== undefined,
  };
}

/** Judges a plugin as if it were the only candidate, for any resource of a delegation. */
function judgeAlone(implementation: Implementation, delegation: Delegation): MessageInitShape<typeof CandidateSchema> {
  const { rules } = delegation.settings;
  const request: SelectionRequest = { preference: undefined, present: [] };
  const { verdicts } = select([implementation], { ...rules, mode: 'one', fallback: 'any' }, request);
  const [verdict = { candidate: implementation, reason: 'Unreachable' as const }] = verdicts;
  return {
    ...describeCandidate(verdict),
    message: withSuspension(explainVerdict(verdict, rules, request), verdict, delegation),
  };
}

/** Adds why a plugin gets no calls to the explanation of a verdict on it. */
function withSuspension(
  explanation: string,
  { candidate, reason }: Verdict<Implementation>,
  delegation: Delegation,
): string {
  const suspension = delegation.suspensionOf(candidate);
  if (!suspension) return explanation;
  return reason === 'Suspended' ? suspension : `${explanation}; ${suspension}`;
}

function describeResource(base: Resource, delegation: Delegation): MessageInitShape<typeof DelegatedResourceSchema> {
  const { settings } = delegation;
  const failure = delegation.writeFailureOf(keyOf(base));
  const holders = delegation.holders.holdersOf(base);
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
  const gathered = delegation.gather(base);
  const key = keyOf(base);
  const nextPassAt = delegation.nextPassAt(key);
  const answerHoldsUntil = delegation.answerHoldsUntil(base);
  return {
    resource: describeResource(base, delegation),
    preference: choice.request.preference?.text ?? '',
    reason: choice.reason,
    message: choice.message,
    ...(base.metadata.deletionTimestamp !== undefined && {
      reason: 'Deleted',
      message: explainDeletion(base, delegation, registry),
    }),
    ...(isPaused(base) && { reason: 'Paused', message: describePause(base) }),
    candidates: [
      ...[...verdicts].sort(chosenFirst).map((verdict) => ({
        ...describeCandidate(verdict),
        message: withSuspension(
          explainVerdict(verdict, delegation.settings.rules, choice.request),
          verdict,
          delegation,
        ),
      })),
      ...holdersOfOtherApis(base, delegation, registry),
    ],
    events: events.of(key).map(describeEvent),
    ...(nextPassAt === undefined ? {} : { nextPassAt: timestampFromMs(nextPassAt) }),
    ...(answerHoldsUntil === undefined ? {} : { answerHoldsUntil: timestampFromMs(answerHoldsUntil) }),
    operations: delegation.operationsOf(base).map((operation) => describeOperation(operation, base)),
    extensionProblems: gathered.problems.map(({ reason, message }) => ({ reason, message })),
    extensions: describeExtensions(gathered),
    dependents: describeDependents(base),
    requirements: delegation.requirementsOf(base).map(describeRequirement),
  };
}

function describeOperation(operation: Operation, base: Resource): MessageInitShape<typeof OperationInProgressSchema> {
  const { plugin, percentage, message, token, since } = operation;
  return {
    plugin: plugin.text,
    ...(percentage !== undefined && { percentage }),
    message,
    token,
    startedAt: timestampFromMs(Date.parse(since)),
    cancelled: isCancelled(operation, base, base.metadata.deletionTimestamp !== undefined),
  };
}

/** Names the plugins that have to finalize a resource before it is gone. */
function explainDeletion(base: Resource, { settings, holders: all }: Delegation, registry: Registry): string {
  const holders = all.holdersOf(base).map((holder) => {
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
  { settings, holders }: Delegation,
  registry: Registry,
): MessageInitShape<typeof CandidateSchema>[] {
  const implementations = holders.holdersOf(base).flatMap((holder) => registeredOf(holder, settings, registry));
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

function countInstances({ plugin, version, callable, size }: Implementation): MessageInitShape<typeof CandidateSchema> {
  return { plugin: plugin.text, version, readyInstances: callable.length, instances: size };
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

/** Reports whether a name denotes the kind of a delegation. Users may also name the delegation instead of the kind. */
export function isOfKind({ settings }: Delegation, name: string): boolean {
  return isKindNamed(settings.base, name) || name === settings.name;
}
