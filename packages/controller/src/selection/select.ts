import type { Range, SemVer } from 'semver';
import type { Candidate, PresentChoice } from './candidate.ts';
import type { PluginPattern } from './preference.ts';

/** How a delegation selects. */
export interface SelectionRules {
  /** The versions of the plugin API that are accepted. */
  apiRange: Range;
  /** Capabilities that a plugin must have, with these values. */
  capabilities: Readonly<Record<string, string>>;
  /** What to do when the preferred plugin isn't there: take any, take none, or take the first of a list that is. */
  fallback: 'any' | 'none' | readonly PluginPattern[];
  /** Choose one plugin, or all (of each, one version). */
  mode: 'one' | 'all';
}

/** What one resource asks for. */
export interface SelectionRequest {
  preference: PluginPattern | undefined;
  /** Where the resource went last; kept unless a better one is asked for, so that resources don't flap. */
  present: readonly PresentChoice[];
}

/**
 * Why the choice is what it is.
 *
 * - `Preferred`: the resource asks for this plugin.
 * - `Fallback`: the resource asks for another one, which isn't there.
 * - `NoPreference`: the resource asks for none.
 * - `All`: the delegation lets every plugin reconcile.
 * - `PreferredUnavailable`: nothing is chosen: the preferred one isn't there, and the fallback allows none that is.
 * - `NoPlugin`: nothing is chosen: there is no plugin that could be.
 */
export type SelectionReason = 'Preferred' | 'Fallback' | 'NoPreference' | 'All' | 'PreferredUnavailable' | 'NoPlugin';

/** Why one candidate was chosen or not. Those up to `Unreachable` can't be chosen by any resource of the delegation. */
export type VerdictReason =
  | 'ApiVersionMismatch'
  | 'CapabilityMissing'
  | 'Draining'
  | 'NotServing'
  | 'Unreachable'
  | 'PreferredVersionMismatch'
  | 'NotPreferred'
  | 'NotInFallback'
  | 'LowerInFallback'
  | 'PresentChoiceKept'
  | 'LowerWeight'
  | 'OlderVersion'
  | 'LaterName'
  | 'Chosen';

/** What was found of one candidate. */
export interface Verdict<C extends Candidate = Candidate> {
  candidate: C;
  reason: VerdictReason;
}

/** A choice, with its reasons. */
export interface Selection<C extends Candidate = Candidate> {
  /** The chosen plugin; several only in the mode `all`; none when there is no choice. */
  chosen: readonly C[];
  reason: SelectionReason;
  /** Every candidate, in the order given. */
  verdicts: readonly Verdict<C>[];
}

/**
 * Chooses among candidates. Pure: the same input gives the same choice, whatever the order of the candidates.
 *
 * What can't be chosen is left out first: wrong API version, missing capability, no instance that may be called. Then the
 * preferred plugin wins, or the fallback; among equals the present choice, the greatest weight, the newest version, the name.
 */
export function select<C extends Candidate>(
  candidates: readonly C[],
  rules: SelectionRules,
  request: SelectionRequest,
): Selection<C> {
  const verdicts = candidates.map(
    (candidate): Verdict<C> => ({
      candidate,
      reason: ineligibility(candidate, rules) ?? 'Chosen',
    }),
  );
  const eligible = verdicts.filter(({ reason }) => reason === 'Chosen');
  if (rules.mode === 'all') return selectAll(verdicts, eligible, request);

  const { reason, contenders } = contend(eligible, rules, request);
  const best = contenders.reduce<Contender<C> | undefined>(
    (winner, contender) => (!winner || compare(contender, winner, request.present).order < 0 ? contender : winner),
    undefined,
  );
  for (const contender of contenders) {
    if (best && contender !== best) contender.verdict.reason = compare(contender, best, request.present).reason;
  }
  return { chosen: best ? [best.verdict.candidate] : [], reason, verdicts };
}

/** A candidate that may win, and its place in the fallback list. */
interface Contender<C extends Candidate> {
  verdict: Verdict<C>;
  rank: number;
}

function selectAll<C extends Candidate>(
  verdicts: readonly Verdict<C>[],
  eligible: readonly Verdict<C>[],
  { present }: SelectionRequest,
): Selection<C> {
  const best = new Map<string, Contender<C>>();
  for (const verdict of eligible) {
    const name = verdict.candidate.plugin.toLowerCase();
    const contender = { verdict, rank: 0 };
    const rival = best.get(name);
    if (!rival) {
      best.set(name, contender);
      continue;
    }
    const [winner, loser] = compare(contender, rival, present).order < 0 ? [contender, rival] : [rival, contender];
    loser.verdict.reason = compare(loser, winner, present).reason;
    best.set(name, winner);
  }
  const chosen = [...best.values()]
    .map(({ verdict }) => verdict.candidate)
    .sort((a, b) => (a.plugin < b.plugin ? -1 : 1));
  return { chosen, reason: chosen.length > 0 ? 'All' : 'NoPlugin', verdicts };
}

function ineligibility(candidate: Candidate, rules: SelectionRules): VerdictReason | undefined {
  if (!includes(rules.apiRange, candidate.api.version)) return 'ApiVersionMismatch';
  for (const name in rules.capabilities) {
    if (candidate.api.capabilities[name] !== rules.capabilities[name]) return 'CapabilityMissing';
  }
  if (candidate.callable.length > 0) return undefined;
  let reason: VerdictReason = 'Draining';
  for (const { state } of candidate.instances) {
    // It could be called, so it must be this API that it doesn't serve.
    if (state === 'live') return 'NotServing';
    if (state === 'suspect') reason = 'Unreachable';
  }
  return reason;
}

/** The candidates among which the choice is made. The verdicts on all others are set. */
function contend<C extends Candidate>(
  eligible: readonly Verdict<C>[],
  { fallback }: SelectionRules,
  { preference }: SelectionRequest,
): { reason: SelectionReason; contenders: Contender<C>[] } {
  const preferred = preference ? admit(eligible, (candidate) => (matches(candidate, preference) ? 0 : -1)) : [];
  if (preference && preferred.length > 0) {
    reject(eligible, preferred, (candidate) => whyNotPreferred(candidate, preference, 'NotPreferred'));
    return { reason: 'Preferred', contenders: preferred };
  }
  const contenders = admit(eligible, (candidate) => rankInFallback(candidate, fallback, preference !== undefined));
  reject(eligible, contenders, (candidate) => whyNotPreferred(candidate, preference, 'NotInFallback'));
  if (contenders.length > 0) return { reason: preference ? 'Fallback' : 'NoPreference', contenders };
  return { reason: preference && eligible.length > 0 ? 'PreferredUnavailable' : 'NoPlugin', contenders };
}

/** Those that have a rank. */
function admit<C extends Candidate>(eligible: readonly Verdict<C>[], rankOf: (candidate: C) => number): Contender<C>[] {
  const contenders: Contender<C>[] = [];
  for (const verdict of eligible) {
    const rank = rankOf(verdict.candidate);
    if (rank >= 0) contenders.push({ verdict, rank });
  }
  return contenders;
}

/** Sets the verdicts on those that were not admitted. Those that were are in the same order. */
function reject<C extends Candidate>(
  eligible: readonly Verdict<C>[],
  admitted: readonly Contender<C>[],
  why: (candidate: C) => VerdictReason,
): void {
  let next = 0;
  for (const verdict of eligible) {
    if (verdict === admitted[next]?.verdict) next++;
    else verdict.reason = why(verdict.candidate);
  }
}

/** The place in the fallback list; 0 where there is none, -1 for a candidate that may not be fallen back to. */
function rankInFallback(candidate: Candidate, fallback: SelectionRules['fallback'], hasPreference: boolean): number {
  if (fallback === 'any') return 0;
  if (fallback === 'none') return hasPreference ? -1 : 0;
  return fallback.findIndex((pattern) => matches(candidate, pattern));
}

function whyNotPreferred(
  candidate: Candidate,
  preference: PluginPattern | undefined,
  otherwise: VerdictReason,
): VerdictReason {
  return preference && hasName(candidate, preference.name) ? 'PreferredVersionMismatch' : otherwise;
}

/** Which of two contenders goes first, and what decided it, from the view of the one that doesn't. */
function compare<C extends Candidate>(
  a: Contender<C>,
  b: Contender<C>,
  present: readonly PresentChoice[],
): { order: number; reason: VerdictReason } {
  const left = a.verdict.candidate;
  const right = b.verdict.candidate;
  const byRank = a.rank - b.rank;
  if (byRank !== 0) return { order: byRank, reason: 'LowerInFallback' };
  const byPresence = presence(right, present) - presence(left, present);
  if (byPresence !== 0) return { order: byPresence, reason: 'PresentChoiceKept' };
  const byWeight = right.weight - left.weight;
  if (byWeight !== 0) return { order: byWeight, reason: 'LowerWeight' };
  const byVersion = right.semver.compare(left.semver);
  if (byVersion !== 0) return { order: byVersion, reason: 'OlderVersion' };
  return { order: order(left, right), reason: 'LaterName' };
}

/** Plugins that are equal in all else are told apart by name, then by what they say of the API. */
function order(left: Candidate, right: Candidate): number {
  if (left.plugin !== right.plugin) return left.plugin < right.plugin ? -1 : 1;
  const byApi = right.api.version.compare(left.api.version);
  if (byApi !== 0) return byApi;
  const [a, b] = [JSON.stringify(left.api.capabilities), JSON.stringify(right.api.capabilities)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The same plugin in the same version goes before the same plugin, and that before any other. */
function presence(candidate: Candidate, present: readonly PresentChoice[]): number {
  let best = 0;
  for (const { plugin, version } of present) {
    if (candidate.plugin === plugin) best = Math.max(best, candidate.version === version ? 2 : 1);
  }
  return best;
}

function matches(candidate: Candidate, pattern: PluginPattern): boolean {
  return hasName(candidate, pattern.name) && (!pattern.range || includes(pattern.range, candidate.semver));
}

function hasName({ plugin }: Candidate, lowerCaseName: string): boolean {
  return plugin.length === lowerCaseName.length && plugin.toLowerCase() === lowerCaseName;
}

/** Whether versions are in ranges, remembered: ranges are made once, and asked about the same versions at each pass. */
const mostRemembered = 10_000;
const inclusions = new WeakMap<Range, Map<string, boolean>>();

function includes(range: Range, version: SemVer): boolean {
  let ofRange = inclusions.get(range);
  if (!ofRange) {
    ofRange = new Map();
    inclusions.set(range, ofRange);
  }
  let included = ofRange.get(version.version);
  if (included === undefined) {
    included = range.test(version);
    // Plugins may come in any number of versions as time goes by.
    if (ofRange.size === mostRemembered) ofRange.clear();
    ofRange.set(version.version, included);
  }
  return included;
}
