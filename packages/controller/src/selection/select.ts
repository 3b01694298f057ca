// selection/: candidates in, choice and reasons out; pure.

import type { Range, SemVer } from 'semver';
import { limits } from '../limits/limits.ts';
import type { VersionedName } from '../names.ts';
import type { AdmissionRule } from './admission.ts';
import type { Candidate, PresentChoice } from './candidate.ts';
import { resolveCapability, type WantedCapability } from './capability.ts';
import type { PluginPattern } from './preference.ts';

/** Rules by which a delegation selects plugins. */
export interface SelectionRules {
  /** Accepted versions of the plugin API. */
  apiRange: Range;
  /** Plugins that may be chosen, by the identities of their instances. */
  admission: AdmissionRule;
  /** Capabilities that a plugin must have, with these values. */
  capabilities: Readonly<Record<string, string>>;
  /** Fallback while the preferred plugin is unavailable: any plugin, none, or the first available one of a list. */
  fallback: 'any' | 'none' | readonly PluginPattern[];
  /** Number of plugins to choose: one, or all (each in one version). */
  mode: 'one' | 'all';
}

/** Preference and current choice of one resource. */
export interface SelectionRequest {
  preference: PluginPattern | undefined;
  /** Plugins that reconciled the resource last. Kept unless the resource prefers another, so that choices don't flap. */
  present: readonly PresentChoice[];
  /** Capability that the resource asks for. Default: none, so that any plugin may be chosen. */
  capability?: WantedCapability | undefined;
  /** Plugins that get no calls now, as theirs time out. Default: none. */
  suspensions?: Suspensions | undefined;
  /** User that attached a plugin to the resource, with the attachment, for people. Default: nobody did. */
  attachedBy?: string | undefined;
}

/** Suspended plugins. Another version of the same plugin is chosen instead, if it is eligible. */
export interface Suspensions {
  /** True if a suspended plugin is unavailable, so that the fallback is chosen; false if its resources wait. */
  readonly fallback: boolean;
  /** Explains why a plugin is suspended; `undefined` for one that isn't. */
  explain(plugin: VersionedName): string | undefined;
}

/**
 * Reason for a choice.
 *
 * - `Preferred`: the resource prefers this plugin.
 * - `Fallback`: the resource prefers another plugin, which is unavailable.
 * - `NoPreference`: the resource states no preference.
 * - `All`: the delegation lets every plugin reconcile.
 * - `Attached`: a user took the resource over with a plugin elsewhere, which stands in for the one of its name.
 * - `PreferredUnavailable`: nothing was chosen; the preferred plugin is unavailable, and the fallback allows no other.
 * - `CapabilityUnavailable`: nothing was chosen; no plugin provides the capability that the resource asks for.
 * - `NoPlugin`: nothing was chosen; no plugin is eligible.
 */
export type SelectionReason =
  | 'Preferred'
  | 'Fallback'
  | 'NoPreference'
  | 'All'
  | 'Attached'
  | 'PreferredUnavailable'
  | 'CapabilityUnavailable'
  | 'NoPlugin';

/**
 * Reason why one candidate was chosen or not. With those up to `Unreachable` it is eligible for no resource of the delegation.
 *
 * - `NotAdmitted`: the delegation does not admit the identity of the plugin.
 * - `ApiVersionMismatch`: the plugin implements the API in a version outside of the delegation's range.
 * - `CapabilityMissing`: the plugin does not declare a capability that the delegation requires.
 * - `CapabilityNotProvided`: the plugin does not provide the capability that the resource asks for.
 * - `Draining`: every instance is stopping and finishes its calls.
 * - `NotServing`: every instance reports that it does not serve the API.
 * - `Unreachable`: no instance can be reached.
 * - `Suspended`: calls of the plugin timed out, and another can be chosen instead.
 * - `PreferredVersionMismatch`: the plugin is the preferred one in a version outside of the preferred range.
 * - `NotPreferred`: the resource prefers another plugin, which is available.
 * - `NotInFallback`: the fallback of the delegation does not list the plugin.
 * - `LowerInFallback`: the fallback lists the chosen plugin before this one.
 * - `PresentChoiceKept`: the plugin that reconciled the resource last is kept.
 * - `LowerWeight`: the chosen plugin has a higher weight.
 * - `OlderVersion`: the chosen plugin has a newer version.
 * - `LaterName`: the name of the chosen plugin comes first in the alphabet.
 * - `Chosen`: the plugin was chosen.
 */
export type VerdictReason =
  | 'NotAdmitted'
  | 'ApiVersionMismatch'
  | 'CapabilityMissing'
  | 'CapabilityNotProvided'
  | 'Draining'
  | 'NotServing'
  | 'Unreachable'
  | 'Suspended'
  | 'PreferredVersionMismatch'
  | 'NotPreferred'
  | 'NotInFallback'
  | 'LowerInFallback'
  | 'PresentChoiceKept'
  | 'LowerWeight'
  | 'OlderVersion'
  | 'LaterName'
  | 'StoodInFor'
  | 'OtherChosen'
  | 'Chosen';

/** Verdict on one candidate. */
export interface Verdict<C extends Candidate = Candidate> {
  candidate: C;
  reason: VerdictReason;
}

/** A choice with its reasons. */
export interface Selection<C extends Candidate = Candidate> {
  /** The chosen plugin; several only in mode `all`; empty when nothing was chosen. */
  chosen: readonly C[];
  reason: SelectionReason;
  /** Verdict on every candidate, in the given order. */
  verdicts: readonly Verdict<C>[];
}

/**
 * Chooses among candidates. Pure: the same input gives the same choice, in any order of the candidates.
 *
 * Candidates that the delegation doesn't admit, with the wrong API version, a missing capability or no callable instance, or that don't
 * provide what the resource asks for, are excluded first. Then the preferred plugin wins, or the fallback; among equals the current choice, the greatest weight, the newest version, the
 * name. A weight above the default counts only among plugins of one owner: nobody draws the resources of others by a claim.
 */
export function select<C extends Candidate>(
  candidates: readonly C[],
  rules: SelectionRules,
  request: SelectionRequest,
): Selection<C> {
  const verdicts = candidates.map(
    (candidate): Verdict<C> => ({
      candidate,
      reason: ineligibility(candidate, rules, request) ?? suspension(candidate, request) ?? 'Chosen',
    }),
  );
  const eligible = verdicts.filter(({ reason }) => reason === 'Chosen');
  if (request.capability && verdicts.every(isNotProvided)) {
    return { chosen: [], reason: 'CapabilityUnavailable', verdicts };
  }
  if (rules.mode === 'all') return selectAll(verdicts, eligible, request);

  const { reason, contenders: admitted } = contend(eligible, rules, request);
  const contenders = dropSuspendedVersions(admitted, request);
  const order = orderOf(contenders, request.present);
  const best = contenders.reduce<Contender<C> | undefined>(
    (winner, contender) => (!winner || compare(contender, winner, order).order < 0 ? contender : winner),
    undefined,
  );
  for (const contender of contenders) {
    if (best && contender !== best) contender.verdict.reason = compare(contender, best, order).reason;
  }
  return { chosen: best ? [best.verdict.candidate] : [], reason, verdicts };
}

/** An eligible candidate and its place in the fallback list. */
interface Contender<C extends Candidate> {
  verdict: Verdict<C>;
  rank: number;
}

function selectAll<C extends Candidate>(
  verdicts: readonly Verdict<C>[],
  eligible: readonly Verdict<C>[],
  request: SelectionRequest,
): Selection<C> {
  const best = new Map<string, Contender<C>>();
  const admitted = eligible.map((verdict) => ({ verdict, rank: 0 }));
  const contenders = dropSuspendedVersions(admitted, request);
  const order = orderOf(contenders, request.present);
  for (const contender of contenders) {
    const { verdict } = contender;
    const { key } = verdict.candidate.plugin;
    const rival = best.get(key);
    if (!rival) {
      best.set(key, contender);
      continue;
    }
    const [winner, loser] = compare(contender, rival, order).order < 0 ? [contender, rival] : [rival, contender];
    loser.verdict.reason = compare(loser, winner, order).reason;
    best.set(key, winner);
  }
  const chosen = [...best.values()]
    .map(({ verdict }) => verdict.candidate)
    .sort((a, b) => (a.plugin.text < b.plugin.text ? -1 : 1));
  return { chosen, reason: chosen.length > 0 ? 'All' : 'NoPlugin', verdicts };
}

/** Reports whether a delegation may choose a candidate for any of its resources, whether the candidate can be called now or not. */
export function isAccepted(candidate: Candidate, rules: SelectionRules): boolean {
  return exclusion(candidate, rules) === undefined;
}

function ineligibility(
  candidate: Candidate,
  rules: SelectionRules,
  { capability }: SelectionRequest,
): VerdictReason | undefined {
  const excluded = exclusion(candidate, rules);
  if (excluded) return excluded;
  if (capability && !resolveCapability(candidate.api.provides, capability, undefined)) return 'CapabilityNotProvided';
  return candidate.unavailability;
}

/** Returns the reason why a candidate is eligible for no resource of a delegation, whatever the resource asks for. */
function exclusion(candidate: Candidate, rules: SelectionRules): VerdictReason | undefined {
  if (!rules.admission.admits(candidate)) return 'NotAdmitted';
  if (!includes(rules.apiRange, candidate.api.version)) return 'ApiVersionMismatch';
  for (const name in rules.capabilities) {
    if (candidate.api.capabilities[name] !== rules.capabilities[name]) return 'CapabilityMissing';
  }
  return undefined;
}

/** Reports whether a candidate doesn't count as one that provides the capability, whether it can be called now or not. */
function isNotProvided({ reason }: Verdict): boolean {
  return ['CapabilityNotProvided', 'NotAdmitted', 'ApiVersionMismatch', 'CapabilityMissing'].includes(reason);
}

/** Excludes suspended candidates if the fallback may be chosen instead. */
function suspension(candidate: Candidate, { suspensions }: SelectionRequest): VerdictReason | undefined {
  return suspensions?.fallback && suspensions.explain(candidate) !== undefined ? 'Suspended' : undefined;
}

/** Drops suspended contenders of which another version contends. */
function dropSuspendedVersions<C extends Candidate>(
  contenders: Contender<C>[],
  { suspensions }: SelectionRequest,
): Contender<C>[] {
  const isSuspended = ({ verdict }: Contender<C>) => suspensions?.explain(verdict.candidate) !== undefined;
  const suspended = suspensions ? contenders.filter(isSuspended) : [];
  if (suspended.length === 0) return contenders;
  return contenders.filter((one) => {
    const isReplaced = (other: Contender<C>) =>
      other.rank === one.rank &&
      other.verdict.candidate.plugin.equals(one.verdict.candidate.plugin) &&
      !suspended.includes(other);
    if (!suspended.includes(one) || !contenders.some(isReplaced)) return true;
    one.verdict.reason = 'Suspended';
    return false;
  });
}

/** Returns the candidates among which the choice is made. Sets the verdicts on all others. */
function contend<C extends Candidate>(
  eligible: readonly Verdict<C>[],
  { fallback }: SelectionRules,
  { preference }: SelectionRequest,
): { reason: SelectionReason; contenders: Contender<C>[] } {
  const preferred = preference ? admit(eligible, (candidate) => (matches(candidate, preference) ? 0 : -1)) : [];
  if (preference && preferred.length > 0) {
    reject(eligible, preferred, (candidate) => mismatchReason(candidate, preference, 'NotPreferred'));
    return { reason: 'Preferred', contenders: preferred };
  }
  const contenders = admit(eligible, (candidate) => rankInFallback(candidate, fallback, preference !== undefined));
  reject(eligible, contenders, (candidate) => mismatchReason(candidate, preference, 'NotInFallback'));
  if (contenders.length > 0) return { reason: preference ? 'Fallback' : 'NoPreference', contenders };
  return { reason: preference && eligible.length > 0 ? 'PreferredUnavailable' : 'NoPlugin', contenders };
}

/** Returns the candidates with a rank of 0 or more. */
function admit<C extends Candidate>(eligible: readonly Verdict<C>[], rankOf: (candidate: C) => number): Contender<C>[] {
  const contenders: Contender<C>[] = [];
  for (const verdict of eligible) {
    const rank = rankOf(verdict.candidate);
    if (rank >= 0) contenders.push({ verdict, rank });
  }
  return contenders;
}

/** Sets the verdicts on candidates that were not admitted. Admitted ones are in the same order. */
function reject<C extends Candidate>(
  eligible: readonly Verdict<C>[],
  admitted: readonly Contender<C>[],
  reasonOf: (candidate: C) => VerdictReason,
): void {
  let next = 0;
  for (const verdict of eligible) {
    if (verdict === admitted[next]?.verdict) next++;
    else verdict.reason = reasonOf(verdict.candidate);
  }
}

/** Returns the place in the fallback list; 0 without a list, -1 for a candidate that the fallback excludes. */
function rankInFallback(candidate: Candidate, fallback: SelectionRules['fallback'], hasPreference: boolean): number {
  if (fallback === 'any') return 0;
  if (fallback === 'none') return hasPreference ? -1 : 0;
  return fallback.findIndex((pattern) => matches(candidate, pattern));
}

/** Distinguishes a wrong version of the preferred plugin from any other reason. */
function mismatchReason(
  candidate: Candidate,
  preference: PluginPattern | undefined,
  fallbackReason: VerdictReason,
): VerdictReason {
  return preference && candidate.plugin.equals(preference.name) ? 'PreferredVersionMismatch' : fallbackReason;
}

/** Facts by which contenders are ordered. */
interface Order {
  present: readonly PresentChoice[];
  /** Largest weight that counts. */
  maxWeight: number;
}

function orderOf<C extends Candidate>(contenders: readonly Contender<C>[], present: readonly PresentChoice[]): Order {
  const owner = contenders[0]?.verdict.candidate.owners[0];
  const isOfOne = contenders.every(({ verdict }) => verdict.candidate.owners.every((one) => one === owner));
  return { present, maxWeight: isOfOne ? Number.POSITIVE_INFINITY : limits.registry.weight };
}

/** Orders two contenders, with the reason why the later one loses. */
function compare<C extends Candidate>(
  a: Contender<C>,
  b: Contender<C>,
  { present, maxWeight }: Order,
): { order: number; reason: VerdictReason } {
  const left = a.verdict.candidate;
  const right = b.verdict.candidate;
  const byRank = a.rank - b.rank;
  if (byRank !== 0) return { order: byRank, reason: 'LowerInFallback' };
  const byPresence = presence(right, present) - presence(left, present);
  if (byPresence !== 0) return { order: byPresence, reason: 'PresentChoiceKept' };
  const byWeight = Math.min(right.weight, maxWeight) - Math.min(left.weight, maxWeight);
  if (byWeight !== 0) return { order: byWeight, reason: 'LowerWeight' };
  const byVersion = right.semver.compare(left.semver);
  if (byVersion !== 0) return { order: byVersion, reason: 'OlderVersion' };
  return { order: compareNames(left, right), reason: 'LaterName' };
}

/** Breaks ties by name, then by the registered version and capabilities of the API. */
function compareNames(left: Candidate, right: Candidate): number {
  if (left.plugin.text !== right.plugin.text) return left.plugin.text < right.plugin.text ? -1 : 1;
  const byApi = right.api.version.compare(left.api.version);
  if (byApi !== 0) return byApi;
  const [a, b] = [left, right].map(({ api }) => JSON.stringify([api.capabilities, api.provides])) as [string, string];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Ranks the current plugin in its current version highest, then the current plugin, then any other. */
function presence(candidate: Candidate, present: readonly PresentChoice[]): number {
  let best = 0;
  for (const { plugin, version } of present) {
    if (candidate.plugin.equals(plugin)) best = Math.max(best, candidate.version === version ? 2 : 1);
  }
  return best;
}

/** Reports whether a candidate is the plugin of a pattern, in a version that the pattern accepts. */
export function matches(candidate: Candidate, pattern: PluginPattern): boolean {
  return candidate.plugin.equals(pattern.name) && (!pattern.range || includes(pattern.range, candidate.semver));
}

/** Cache of the membership of versions in ranges: each pass tests the same ones again. */
const maxVersionsPerRange = limits.selection.maxCachedVersions;
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
    // The number of versions over time is unbounded.
    if (ofRange.size === maxVersionsPerRange) ofRange.clear();
    ofRange.set(version.version, included);
  }
  return included;
}
