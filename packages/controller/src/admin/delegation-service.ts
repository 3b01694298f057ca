import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type {
  CandidateSchema,
  DelegationService,
  ExplainResourceResponseSchema,
  OperationInProgressSchema,
} from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import { registeredOf } from '../delegation/holders/holder.ts';
import { isCancelled, type Operation } from '../delegation/operations/operation.ts';
import { buildTrace } from '../diagnosis/build-trace.ts';
import { judgeCandidates } from '../diagnosis/candidates.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { explainNow } from '../diagnosis/explain-now.ts';
import { type FoundBase, learn } from '../diagnosis/known-base.ts';
import { relatedDependents, relatedExtensions } from '../diagnosis/related.ts';
import { SortedPages } from '../paging/sorted-pages.ts';
import type { Registry } from '../registry/registry.ts';
import { isKindNamed } from '../resources/kind-name.ts';
import {
  formatKey,
  groupOf,
  keyOf,
  type Resource,
  type ResourceKind,
  type ResourceReference,
} from '../resources/resource.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import { countInstances, describeCandidate, describeDelegation } from './describe-delegation.ts';
import { describeEvent } from './describe-event.ts';
import { describeBase, describeListed, type ListedResource } from './describe-resource.ts';
import { describeDiagnosis, describeTrace } from './describe-trace.ts';
import { orInvalidToken } from './page-token.ts';
import { describeRelated, describeRequirement } from './related-resources.ts';
import { ResourceSearch } from './search-resources.ts';
import { serveWatch } from './serve-watch.ts';
import { type SummaryParts, SummaryWatches } from './summary-watches.ts';

/** Parts of an operator that the service shows. */
export interface DelegationServiceParts extends Omit<SummaryParts, 'find'> {
  events: RecentEvents;
}

/** Implements `kplug.v1.DelegationService`: the delegations, their resources, and the reasons for choices. */
export function delegationService({
  delegations,
  events,
  registry,
  ...others
}: DelegationServiceParts): ServiceImpl<typeof DelegationService> {
  const find = (reference: ResourceReference) => findBase(delegations(), isSameKindOf(reference), reference);
  const parts = { delegations, registry, find, ...others };
  const search = new ResourceSearch(delegations);
  const summaries = new SummaryWatches(parts);
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
      return { resources: describeListed(items), nextPageToken };
    },

    explainResource: (request) => explain(namedBy(request), { events, registry }),

    traceResource: (request) => {
      const known = learn(namedBy(request));
      const trace = buildTrace(known, parts);
      return { resource: describeTrace(trace), diagnosis: describeDiagnosis(diagnose(known, parts, trace)) };
    },

    searchResources: (request) => search.search(request),

    watchSummary: ({ namespace }, context) => serveWatch(context, (reader) => summaries.open(namespace, reader)),
  };

  /** Finds the base resource that a request names. Throws `not_found`. */
  function namedBy({ kind, namespace, name }: NamedBase): FoundBase {
    const found = findBase(delegations(), (delegation) => isOfKind(delegation, kind), { namespace, name });
    if (found) return found;
    const where = namespace ? ` in the namespace ${namespace}` : '';
    const standby = others.isStandby() ? '; this operator waits for leadership, and knows no resources' : '';
    throw new ConnectError(`no delegated ${kind} is named ${name}${where}${standby}`, Code.NotFound);
  }
}

/** Base resource as a request names it. */
interface NamedBase {
  kind: string;
  namespace: string;
  name: string;
}

/** Finds a base resource among those of the delegations that are of its kind. */
function findBase(
  delegations: Iterable<Delegation>,
  isOfItsKind: (delegation: Delegation) => boolean,
  { namespace, name }: Omit<NamedBase, 'kind'>,
): FoundBase | undefined {
  for (const delegation of delegations) {
    const base = isOfItsKind(delegation) && delegation.get(formatKey({ ...delegation.settings.base, namespace, name }));
    if (base) return { base, delegation };
  }
  return undefined;
}

/** Returns a function that reports whether a delegation is of a kind, in any version. */
function isSameKindOf({ apiVersion, kind }: ResourceKind): (delegation: Delegation) => boolean {
  return ({ settings: { base } }) => base.kind === kind && groupOf(base.apiVersion) === groupOf(apiVersion);
}

function explain(
  { base, delegation }: FoundBase,
  { events, registry }: { events: RecentEvents; registry: Registry },
): MessageInitShape<typeof ExplainResourceResponseSchema> {
  const choice = delegation.explain(base);
  const gathered = delegation.gather(base);
  const key = keyOf(base);
  const nextPassAt = delegation.nextPassAt(key);
  const answerHoldsUntil = delegation.answerHoldsUntil(base);
  return {
    resource: describeBase({ base, delegation }),
    preference: choice.request.preference?.text ?? '',
    ...explainNow(base, delegation, choice, registry),
    candidates: [
      ...judgeCandidates(choice, delegation).map((one) => ({ ...describeCandidate(one), message: one.message })),
      ...holdersOfOtherApis(base, delegation, registry),
    ],
    events: events.of(key).map(describeEvent),
    ...(nextPassAt === undefined ? {} : { nextPassAt: timestampFromMs(nextPassAt) }),
    ...(answerHoldsUntil === undefined ? {} : { answerHoldsUntil: timestampFromMs(answerHoldsUntil) }),
    operations: delegation.operationsOf(base).map((operation) => describeOperation(operation, base)),
    extensionProblems: gathered.problems.map(({ reason, message }) => ({ reason, message })),
    extensions: relatedExtensions(gathered).map(describeRelated),
    dependents: relatedDependents(base).map(describeRelated),
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

/** Reports whether a name denotes the kind of a delegation. Users may also name the delegation instead of the kind. */
export function isOfKind({ settings }: Delegation, name: string): boolean {
  return isKindNamed(settings.base, name) || name === settings.name;
}
