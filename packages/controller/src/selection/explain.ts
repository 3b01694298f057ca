import { satisfies } from 'semver';
import { formatPlugin } from '../names.ts';
import type { Candidate } from './candidate.ts';
import { explainMissing } from './capability.ts';
import type { PluginPattern } from './preference.ts';
import { matches, type Selection, type SelectionRequest, type SelectionRules, type Verdict } from './select.ts';

/** Explains a choice in a sentence, for the status. */
export function explainSelection(selection: Selection, rules: SelectionRules, request: SelectionRequest): string {
  const names = selection.chosen.map(formatPlugin).join(', ');
  const wanted = request.preference?.text ?? '';
  switch (selection.reason) {
    case 'Preferred':
      return `${names} is preferred by the resource`;
    case 'NoPreference':
      return `${names} was chosen; the resource prefers no implementation`;
    case 'All':
      return `every plugin reconciles: ${names}`;
    case 'Attached':
      return `${names} was attached${request.attachedBy === undefined ? '' : ` by ${request.attachedBy}`}, and stands in for the plugin of its name`;
    case 'Fallback':
      return `${names} is the fallback for ${wanted}: ${explainPreferenceNotMet(selection, rules, request)}`;
    case 'PreferredUnavailable':
      return `waiting for ${wanted}: ${explainPreferenceNotMet(selection, rules, request)}, and the fallback allows no other`;
    case 'CapabilityUnavailable':
      return explainUnavailable(selection, request);
    case 'NoPlugin':
      return `waiting for ${wanted || 'a plugin'} with API version ${rules.apiRange.raw}: ${explainNoPlugin(selection, rules, request)}`;
  }
}

/** Explains the verdict on one candidate in a sentence. */
export function explainVerdict(
  { candidate, reason }: Verdict,
  rules: SelectionRules,
  request: SelectionRequest,
): string {
  const wanted = request.preference?.text ?? '';
  switch (reason) {
    case 'Chosen':
      return 'chosen';
    case 'NotAdmitted':
      return `${candidate.owners.join(', ')} may not serve this API; the delegation admits ${rules.admission.text}`;
    case 'ApiVersionMismatch':
      return `implements API version ${candidate.api.version.version}; the delegation accepts ${rules.apiRange.raw}`;
    case 'CapabilityMissing':
      return `lacks capabilities that the delegation requires: ${missingCapabilities(candidate, rules)}`;
    case 'CapabilityNotProvided':
      return request.capability
        ? explainMissing(request.capability, [offersOf(candidate)])
        : 'it does not provide the capability';
    case 'Draining':
      return 'all its instances are stopping';
    case 'NotServing':
      return notServing;
    case 'Unreachable':
      return `none of its instances can be reached${firstReason(candidate)}`;
    case 'Suspended':
      return request.suspensions?.explain(candidate) ?? 'its calls time out';
    case 'PreferredVersionMismatch':
      return `its version doesn't match the preference ${wanted}`;
    case 'NotPreferred':
      return `the resource prefers ${wanted}`;
    case 'NotInFallback':
      return rules.fallback === 'none'
        ? 'the delegation allows no fallback'
        : "isn't in the delegation's fallback list";
    case 'LowerInFallback':
      return "comes later in the delegation's fallback list";
    case 'PresentChoiceKept':
      return 'the current choice is kept';
    case 'LowerWeight':
      return `its weight, ${candidate.weight}, is lower`;
    case 'OlderVersion':
      return 'a newer version is available';
    case 'LaterName':
      return 'equal otherwise; its name sorts later';
    case 'StoodInFor':
      return 'an attached plugin stands in for it';
    case 'OtherChosen':
      return 'it is attached, and stands in for the plugin of its name only, which is not chosen';
  }
}

/** Explains that no plugin provides what a resource asks for, with what those provide that the delegation accepts. */
function explainUnavailable({ verdicts }: Selection, { capability }: SelectionRequest): string {
  if (!capability) return 'the capability is not provided';
  const accepted = verdicts.filter(({ reason }) => reason === 'CapabilityNotProvided');
  return explainMissing(
    capability,
    accepted.map(({ candidate }) => offersOf(candidate)),
  );
}

function offersOf(candidate: Candidate) {
  return { plugin: formatPlugin(candidate), offers: candidate.api.provides };
}

const notServing = 'it reports that it is not serving this API now';

/** Explains why the preferred plugin was not chosen. */
function explainPreferenceNotMet(selection: Selection, rules: SelectionRules, request: SelectionRequest): string {
  const { preference } = request;
  if (!preference) return 'none is preferred';
  const named = selection.verdicts.filter(({ candidate }) => candidate.plugin.equals(preference.name));
  if (named.length === 0) return 'no such plugin is registered';
  // A version that the preference excludes may be a contender as the fallback, or the choice.
  const preferred = named.find(({ candidate }) => matches(candidate, preference));
  if (!preferred) return explainOtherVersions(named, preference);
  switch (preferred.reason) {
    case 'NotServing':
      return notServing;
    case 'Unreachable':
      return "it can't be reached";
    default:
      return `${formatPlugin(preferred.candidate)}: ${explainVerdict(preferred, rules, request)}`;
  }
}

function explainOtherVersions(named: readonly Verdict[], { range }: PluginPattern): string {
  const versions = named.map(({ candidate }) => candidate.version);
  const only = `only version ${versions.join(', ')} is registered`;
  const isPrerelease = range && versions.some((version) => satisfies(version, range, prereleases));
  return isPrerelease ? `${only}, and ${range.raw} accepts no prereleases` : only;
}

const prereleases = { includePrerelease: true };

/** Explains why no candidate is eligible. */
function explainNoPlugin({ verdicts }: Selection, rules: SelectionRules, { suspensions }: SelectionRequest): string {
  if (verdicts.length === 0) return 'none is registered';
  const request = { preference: undefined, present: [], suspensions };
  return verdicts
    .map((verdict) => `${formatPlugin(verdict.candidate)}: ${explainVerdict(verdict, rules, request)}`)
    .join('; ');
}

function missingCapabilities({ api }: Candidate, { capabilities }: SelectionRules): string {
  return Object.entries(capabilities)
    .filter(([name, value]) => api.capabilities[name] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function firstReason({ unreachable }: Candidate): string {
  for (const { stateReason } of unreachable) if (stateReason) return ` (${stateReason})`;
  return '';
}
