import { findPausedFault, isPaused } from '../delegation/control-annotations.ts';
import type { StateName } from '../delegation/states/base-state.ts';
import { limits } from '../limits/limits.ts';
import { findCondition } from '../resources/conditions.ts';
import { keyOf, parseKey, type Resource, type ResourceKey } from '../resources/resource.ts';
import { buildTrace } from './build-trace.ts';
import { findStale } from './find-stale.ts';
import type { Case, Finding, Rule } from './finding.ts';
import { type DiagnosisParts, type KnownBase, learn } from './known-base.ts';
import { timeOf } from './related.ts';
import { findRootCause } from './root-cause.ts';
import { unreadyDependent } from './rules/dependents.ts';
import { unreadyExtension, unresolvedExtension } from './rules/extensions.ts';
import { failedWrite } from './rules/failed-write.ts';
import { deleting, inProgress, notReconciled, paused } from './rules/lifecycle.ts';
import { missingRight } from './rules/missing-right.ts';
import { noPlugin } from './rules/no-plugin.ts';
import { pluginFailure, suspendedPlugin } from './rules/plugin-failure.ts';
import { unreadableKind } from './rules/unreadable-kind.ts';
import type { TraceNode } from './trace-node.ts';
import { sentence } from './words.ts';

const { maxDetails } = limits.states;

/** Why a base resource is in its state. Sentences are printable and bounded. */
export interface Diagnosis {
  state: StateName;
  /** Reason of the root cause in one PascalCase word. */
  reason: string;
  /** The root cause in one sentence. */
  summary: string;
  /** What leads from the resource to the cause, and further facts, one sentence each. */
  details: readonly string[];
  /** What to do next; empty for a resource that is ready. */
  advice: string;
  /** Name of what causes the state; empty if it is the resource itself. */
  causeName: string;
  /** Key of that, if it is a resource. */
  causeKey: ResourceKey;
  /** Time since which the resource is in this state, in milliseconds since the epoch; `undefined` if it isn't known. */
  since: number | undefined;
  /** What of the shown state may be out of date, and why, one sentence each. */
  stale: readonly string[];
}

/** Rules, of which the first one that applies explains a resource. */
const rules: readonly Rule[] = [
  unreadableKind,
  failedWrite,
  paused,
  missingRight,
  deleting,
  inProgress,
  unresolvedExtension,
  unreadyDependent,
  suspendedPlugin,
  noPlugin,
  notReconciled,
  unreadyExtension,
  pluginFailure,
];

/** Finds out why a base resource is in its state. @param trace of the resource. */
export function diagnose(own: KnownBase, parts: DiagnosisParts, trace: TraceNode = buildTrace(own, parts)): Diagnosis {
  const { state } = own.state;
  const since = sinceWhen(own.base, state);
  const stale = findStale(own, parts).map(sentence);
  const facts = factsOf(own);
  if (state === 'ready') {
    const { reason, message } = own.state;
    const summary = sentence(`${own.name} is ready: ${message}`);
    return { state, reason, summary, details: facts.map(sentence), advice: '', ...noCause, since, stale };
  }
  const path = state === 'paused' || state === 'deleting' ? [trace] : findRootCause(trace);
  const last = path.at(-1) ?? trace;
  const { reason, summary, advice, details = [] } = explain(own, path, parts);
  const cause = last === trace ? noCause : { causeName: last.name, causeKey: last.key };
  return {
    state,
    reason,
    summary: sentence(summary),
    details: [...chainOf(path), ...details, ...facts].slice(0, maxDetails).map(sentence),
    advice: advice && sentence(advice),
    ...cause,
    since,
    stale,
  };
}

const noCause = { causeName: '', causeKey: '' };

/** Explains the last delegated resource on the way to the root cause. */
function explain(own: KnownBase, path: readonly TraceNode[], parts: DiagnosisParts): Finding {
  const at = path.findLastIndex(({ state }) => state !== undefined);
  const node = path[at];
  const nested = node && node.key !== keyOf(own.base) ? parts.find(parseKey(node.key)) : undefined;
  const known = nested ? learn(nested) : own;
  const given: Case = { known, culprit: path[at + 1], parts };
  for (const rule of rules) {
    const finding = rule(given);
    if (finding) return finding;
  }
  const { reason, message } = known.state;
  const { name } = known;
  return { reason, summary: `${name}: ${[reason, message].filter(Boolean).join(': ')}`, advice: lastResort };
}

const lastResort = 'Solve what the message names; the operator tries again by itself';

/** Says what leads from the resource to the cause. */
function chainOf(path: readonly TraceNode[]): string[] {
  return path.slice(1).map((node, index) => {
    const { name = '' } = path[index] ?? {};
    return `${name} waits for the ${node.relation} ${node.name}: ${[node.reason, node.message].filter(Boolean).join(': ')}`;
  });
}

/** Returns what is worth knowing about a resource in any state. */
function factsOf({ base, gathered, state }: KnownBase): string[] {
  const fault = findPausedFault(base);
  const others = gathered.problems.filter(({ message }) => !state.message.includes(message));
  return [...(fault === undefined ? [] : [fault]), ...others.map(({ reason, message }) => `${reason}: ${message}`)];
}

function sinceWhen(base: Resource, state: StateName): number | undefined {
  if (state === 'deleting') return timeOf(base.metadata.deletionTimestamp);
  const type = isPaused(base) ? 'Paused' : 'Ready';
  const condition = findCondition(base.status, type);
  return timeOf(condition?.lastTransitionTime ?? (type === 'Ready' ? base.metadata.creationTimestamp : undefined));
}
