import { limits } from '../../limits/limits.ts';
import { formatPlugin, PluginName } from '../../names.ts';
import type { Refusal } from '../../registry/recent-refusals.ts';
import type { VerdictReason } from '../../selection/select.ts';
import type { JudgedCandidate } from '../candidates.ts';
import type { Case, Finding } from '../finding.ts';
import type { KnownBase } from '../known-base.ts';
import { argumentsFor } from '../words.ts';
import { waitForPass } from './lifecycle.ts';

const { maxAdvisedRefusals } = limits.states;

/** Reasons for which no plugin is chosen. */
const reasons: ReadonlySet<string> = new Set([
  'NoPlugin',
  'PreferredUnavailable',
  'CapabilityUnavailable',
  'InvalidPreference',
  'InvalidCapability',
]);

/** No plugin is chosen. The status may say so although one is by now. */
export function noPlugin(given: Case): Finding | undefined {
  const { known } = given;
  const { choice, state, candidates, name } = known;
  const isChosen = choice.selection.chosen.length > 0;
  if (state.state !== 'waiting' && !reasons.has(state.reason)) return undefined;
  if (isChosen && !reasons.has(state.reason)) return undefined;
  if (isChosen) {
    const chosen = choice.selection.chosen.map(formatPlugin).join(', ');
    const summary = `${name} has been without a plugin, and its next pass calls ${chosen}`;
    return { reason: 'NotReconciled', summary, advice: waitForPass(given) };
  }
  const details = candidates.map(({ candidate, message }) => `${formatPlugin(candidate)}: ${message}`);
  const refusals = relevantRefusals(given);
  const found = { details: [...details, ...refusals.map(describeRefusal)], reason: choice.reason };
  if (choice.reason.startsWith('Invalid')) {
    const summary = `What ${name} asks for is malformed: ${choice.message}`;
    return { ...found, summary, advice: `Correct it in the spec of ${name}` };
  }
  if (candidates.length > 0) return { ...found, ...explainCandidates(known) };
  return { ...found, ...explainNone(known, refusals) };
}

type Explanation = Pick<Finding, 'summary' | 'advice'>;

/** No plugin of the API is registered. */
function explainNone(known: KnownBase, refusals: readonly Refusal[]): Explanation {
  const { api, rules } = known.delegation.settings;
  const wanted = known.choice.request.preference?.text;
  const preferred = wanted === undefined ? '' : `; ${wanted} is preferred`;
  const [refusal] = refusals;
  if (refusal) {
    const summary = `No plugin of the API ${api} is registered: ${describeRefusal(refusal)}`;
    const advice = `Correct what the refusal names, and start ${refusal.plugin} again; "kplug plugins --refused" lists all refusals`;
    return { summary, advice };
  }
  const summary = `No plugin of the API ${api} is registered${preferred}`;
  const advice = `Start a plugin that implements ${api} in a version of ${rules.apiRange.raw}; "kplug plugins" lists those that the operator knows`;
  return { summary, advice };
}

/** Plugins are registered, but none can be chosen. */
function explainCandidates(known: KnownBase): Explanation {
  const { choice, candidates, delegation } = known;
  const { api, rules } = delegation.settings;
  const wanted = choice.request.preference;
  if (choice.reason === 'CapabilityUnavailable') {
    const advice = `Ask for a capability that is provided ("kplug capabilities" lists them), or start a plugin that provides this one`;
    return { summary: `No plugin provides what ${known.name} asks for: ${choice.message}`, advice };
  }
  if (choice.reason === 'PreferredUnavailable' && wanted) {
    const named = candidates.find(({ candidate }) => candidate.plugin.equals(wanted.name));
    const other = `let ${known.name} prefer another plugin, or allow a fallback in the delegation ${delegation.settings.name}`;
    const advice = named ? `${adviceOn(named, known)}, or ${other}` : `Start ${wanted.name}, ${other}`;
    return { summary: `The preferred plugin is unavailable: ${choice.message}`, advice };
  }
  const [first, ...others] = candidates.filter(({ reason }) => reason !== 'Chosen');
  if (!first) return { summary: choice.message, advice: `Look at "kplug explain ${argumentsFor(known)}"` };
  const more = others.length > 0 ? ` (and ${others.length} more can't be chosen)` : '';
  const summary = `No plugin can be chosen for the API ${api} ${rules.apiRange.raw}: ${formatPlugin(first.candidate)}: ${first.message}${more}`;
  return { summary, advice: adviceOn(first, known) };
}

/** Says what makes a candidate eligible. */
function adviceOn({ candidate, reason }: JudgedCandidate, { delegation }: KnownBase): string {
  const { name, api, rules } = delegation.settings;
  const { text } = candidate.plugin;
  const own: Partial<Record<VerdictReason, string>> = {
    NotAdmitted: `Admit its identity by "plugins.from" of the delegation ${name}, or run ${text} with an identity that is admitted`,
    ApiVersionMismatch: `Run a version of ${text} that implements ${api} ${rules.apiRange.raw}, or widen the range of the delegation ${name} to include ${candidate.api.version.version}`,
    CapabilityMissing: `Run a version of ${text} that declares the capability, or change "selection.capabilities" of the delegation ${name}`,
    CapabilityNotProvided: `Run a version of ${text} that provides the capability; "kplug capabilities" lists what is provided`,
    Draining: `Start another instance of ${text}, as all of its instances are stopping`,
    NotServing: `Find out from the log of ${text} why it reports that it isn't serving: "kplug logs ${text}"`,
    Unreachable: `Find out why ${text} can't be reached at its address: "kplug plugins" shows it, and "kplug doctor" tries it`,
    Suspended: `Find out what ${text} waits for: "kplug logs ${text}"; restart it if it hangs`,
    PreferredVersionMismatch: `Run a version of ${text} that is preferred`,
  };
  return own[reason] ?? `Start a plugin that implements ${api} in a version of ${rules.apiRange.raw}`;
}

/** Returns the refusals of plugins of the delegation's API, of the preferred plugin, and of those whose APIs can't be read. */
function relevantRefusals({ known: { delegation, choice }, parts }: Case): Refusal[] {
  const { api } = delegation.settings;
  const preferred = choice.request.preference?.name;
  return parts
    .refusals()
    .filter(
      ({ apis, plugin }) =>
        apis.length === 0 ||
        apis.some((one) => one === api || one.startsWith(`${api}@`)) ||
        preferred?.equals(new PluginName(plugin)),
    )
    .slice(0, maxAdvisedRefusals);
}

function describeRefusal({ plugin, version, count, message }: Refusal): string {
  const times = count === 1 ? 'once' : `${count} times`;
  return `${formatPlugin({ plugin: plugin || 'a plugin without a name', version }).trim()} was refused ${times}: ${message}`;
}
