import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CauseSummarySchema, DelegationSummarySchema, NamespaceSummarySchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { StateName } from '../delegation/states/base-state.ts';
import type { StateGroup } from '../delegation/states/state-group.ts';
import { describeWriteProblems } from '../delegation/writes/write-problem.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { type DiagnosisParts, learn } from '../diagnosis/known-base.ts';
import { limits } from '../limits/limits.ts';
import { Pace } from '../queue/slices.ts';
import type { ResourceKey } from '../resources/resource.ts';
import { resourceStates } from './describe-resource.ts';
import { kindCause } from './kind-cause.ts';

const { maxNamespaces } = limits.states;

/** Summarizes a delegation. @param namespace of the resources that count; empty for all. */
export async function summarizeDelegation(
  delegation: Delegation,
  namespace: string,
  parts: DiagnosisParts,
): Promise<MessageInitShape<typeof DelegationSummarySchema>> {
  const { settings, problem } = delegation;
  const group = delegation.index.group(namespace);
  const { ready = 0, waiting = 0, failing = 0, deleting = 0, paused = 0 } = group?.counts ?? {};
  // The state of a resource that can't be read may have changed by now.
  const unknown = ready + waiting + failing;
  const counts = problem
    ? { ready: 0, waiting: 0, failing: unknown, deleting, paused }
    : { ready, waiting, failing, deleting, paused };
  const { reason: problemReason = '', message: problemMessage = '' } =
    problem ?? describeWriteProblems(delegation.writeProblems) ?? {};
  return {
    name: settings.name,
    apiVersion: settings.base.apiVersion,
    kind: settings.base.kind,
    total: group?.total ?? 0,
    ...counts,
    causes: group ? await summarizeCauses(delegation, group, parts) : [],
    problemReason,
    problemMessage,
  };
}

interface RankedCause {
  rank: number;
  summary: MessageInitShape<typeof CauseSummarySchema> & { resources: number };
}

/** Returns the causes: those that concern the operator or many first, then by number. */
async function summarizeCauses(
  delegation: Delegation,
  group: StateGroup,
  parts: DiagnosisParts,
): Promise<MessageInitShape<typeof CauseSummarySchema>[]> {
  const causes: RankedCause[] = [];
  const pace = new Pace();
  for (const [id, keys] of group.causes) {
    const cause = delegation.index.causeOf(id);
    const isKept = cause?.state === 'deleting' || cause?.state === 'paused';
    if (!cause || (delegation.problem && !isKept)) continue;
    causes.push(summarizeCause(delegation, { id, state: cause.state, reason: cause.reason }, keys, parts));
    if (pace.isOver(true)) await pace.pause();
  }
  const unreadable = summarizeUnreadable(delegation, group, parts);
  return [...(unreadable ? [unreadable] : []), ...causes]
    .sort((a, b) => a.rank - b.rank || b.summary.resources - a.summary.resources)
    .map(({ summary }) => summary);
}

function summarizeUnreadable(
  delegation: Delegation,
  { counts }: StateGroup,
  parts: DiagnosisParts,
): RankedCause | undefined {
  const { problem, index } = delegation;
  const resources = counts.ready + counts.waiting + counts.failing;
  if (!problem || resources === 0) return undefined;
  const [example = ''] = index.keys();
  const cause = { id: kindCause(delegation, problem), state: 'failing', reason: problem.reason } as const;
  const found = summarizeCause(delegation, cause, new Set([example]), parts);
  return { rank: 0, summary: { ...found.summary, resources } };
}

function summarizeCause(
  delegation: Delegation,
  { id, state, reason }: { id: string; state: StateName; reason: string },
  keys: ReadonlySet<ResourceKey>,
  parts: DiagnosisParts,
): RankedCause {
  const [example = ''] = keys;
  const base = delegation.get(example);
  const found = base && diagnose(learn({ base, delegation }), parts);
  const { summary = '', advice = '' } = found ?? {};
  const writeFails = delegation.writeFailureOf(example) !== undefined;
  return {
    rank: rankOf(state, reason, writeFails),
    summary: {
      id,
      state: resourceStates[state],
      reason: reason || (found?.reason ?? ''),
      summary,
      advice,
      resources: keys.size,
      example,
    },
  };
}

/** Reasons that concern many resources, or hold them up, rather than one. */
const sharedReasons: ReadonlySet<string> = new Set([
  'Forbidden',
  'KindNotFound',
  'Unreachable',
  'NoPlugin',
  'PreferredUnavailable',
  'PluginSuspended',
  'PluginUnavailable',
]);

function rankOf(state: StateName, reason: string, writeFails: boolean): number {
  if (writeFails) return 1;
  if (state === 'paused') return 4;
  return sharedReasons.has(reason) ? 2 : 3;
}

/** Namespaces of all delegations. Their names are put in order again only when one comes or goes. */
export class NamespaceList {
  #names: readonly string[] = [];
  #basis = '';

  summarize(delegations: readonly Delegation[]): MessageInitShape<typeof NamespaceSummarySchema>[] {
    return this.#sortedNames(delegations).map((name) => {
      let total = 0;
      let ready = 0;
      for (const { index, problem } of delegations) {
        const group = index.namespaces.get(name);
        total += group?.total ?? 0;
        ready += problem ? 0 : (group?.counts.ready ?? 0);
      }
      return { name, total, notReady: total - ready };
    });
  }

  #sortedNames(delegations: readonly Delegation[]): readonly string[] {
    const basis = delegations.map(({ settings, index }) => `${settings.name}/${index.namespaceRevision}`).join();
    if (basis === this.#basis) return this.#names;
    this.#basis = basis;
    const names = new Set(delegations.flatMap(({ index }) => [...index.namespaces.keys()]));
    this.#names = [...names].sort().slice(0, maxNamespaces);
    return this.#names;
  }
}
