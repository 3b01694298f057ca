import type { Candidate } from './candidate.ts';
import type { Selection, SelectionRequest, SelectionRules, Verdict } from './select.ts';

/** A choice in a sentence, for the status. */
export function explainSelection(selection: Selection, rules: SelectionRules, request: SelectionRequest): string {
  const names = selection.chosen.map(nameOf).join(', ');
  const wanted = request.preference?.text ?? '';
  switch (selection.reason) {
    case 'Preferred':
      return `${names} is preferred by the resource`;
    case 'NoPreference':
      return `${names} was chosen; the resource prefers no implementation`;
    case 'All':
      return `every plugin reconciles: ${names}`;
    case 'Fallback':
      return `${names} stands in for ${wanted}: ${whyNotPreferred(selection, request)}`;
    case 'PreferredUnavailable':
      return `awaiting ${wanted}: ${whyNotPreferred(selection, request)}, and the fallback allows no other`;
    case 'NoPlugin':
      return `awaiting ${wanted || 'a plugin'} for API version ${rules.apiRange.raw}: ${whyNone(selection, rules)}`;
  }
}

/** What was found of one candidate, in a sentence for people. */
export function explainVerdict(
  { candidate, reason }: Verdict,
  rules: SelectionRules,
  request: SelectionRequest,
): string {
  const wanted = request.preference?.text ?? '';
  switch (reason) {
    case 'Chosen':
      return 'chosen';
    case 'ApiVersionMismatch':
      return `implements API version ${candidate.api.version.version}; the delegation accepts ${rules.apiRange.raw}`;
    case 'CapabilityMissing':
      return `lacks a capability that the delegation demands: ${missingCapabilities(candidate, rules)}`;
    case 'Draining':
      return 'all its instances are stopping';
    case 'NotServing':
      return 'it reports that it is not serving this API now';
    case 'Unreachable':
      return `none of its instances can be reached${firstReason(candidate)}`;
    case 'PreferredVersionMismatch':
      return `its version isn't the one preferred, ${wanted}`;
    case 'NotPreferred':
      return `the resource prefers ${wanted}`;
    case 'NotInFallback':
      return rules.fallback === 'none'
        ? 'the delegation allows no fallback'
        : "isn't in the delegation's fallback list";
    case 'LowerInFallback':
      return "comes later in the delegation's fallback list";
    case 'PresentChoiceKept':
      return 'the present choice is kept';
    case 'LowerWeight':
      return `its weight, ${candidate.weight}, is lower`;
    case 'OlderVersion':
      return 'a newer version is there';
    case 'LaterName':
      return 'equal in all else, its name comes later';
  }
}

function whyNotPreferred(selection: Selection, request: SelectionRequest): string {
  const { preference } = request;
  if (!preference) return 'none is preferred';
  const named = selection.verdicts.filter(({ candidate }) => candidate.plugin.toLowerCase() === preference.name);
  const [first] = named;
  if (!first) return 'no such plugin is registered';
  if (first.reason === 'PreferredVersionMismatch') {
    return `only version ${named.map(({ candidate }) => candidate.version).join(', ')} is registered`;
  }
  if (first.reason === 'NotServing') return 'it reports that it is not serving this API now';
  return first.reason === 'Unreachable' ? "it can't be reached" : `it is there, but not eligible (${first.reason})`;
}

function whyNone({ verdicts }: Selection, rules: SelectionRules): string {
  if (verdicts.length === 0) return 'none is registered';
  return verdicts
    .map(
      (verdict) =>
        `${nameOf(verdict.candidate)}: ${explainVerdict(verdict, rules, { preference: undefined, present: [] })}`,
    )
    .join('; ');
}

function missingCapabilities({ api }: Candidate, { capabilities }: SelectionRules): string {
  return Object.entries(capabilities)
    .filter(([name, value]) => api.capabilities[name] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function firstReason({ instances }: Candidate): string {
  for (const { state, stateReason } of instances) {
    if (state === 'suspect' && stateReason) return ` (${stateReason})`;
  }
  return '';
}

function nameOf({ plugin, version }: { plugin: string; version: string }): string {
  return `${plugin} ${version}`;
}
