import type { Applicant } from './admission.ts';
import type { Candidate } from './candidate.ts';
import { type Selection, type SelectionRequest, type SelectionRules, select } from './select.ts';

/**
 * Chooses for a resource that an attachment matches. The attached plugin stands in for the one of its name: it is chosen where that one
 * would be, or where none would be, by the same rules. So it takes no resource from a plugin of another name, which would be a hand-over,
 * and a resource is never without a plugin because of it: while it can't be called, the choice is the one without the attachment.
 *
 * @param attached implementations of the attached plugin; empty until it is registered.
 */
export function selectAttached<C extends Candidate>(
  candidates: readonly C[],
  attached: readonly C[],
  rules: SelectionRules,
  request: SelectionRequest,
): Selection<C> {
  const ordinary = select(candidates, rules, request);
  const [first] = attached;
  if (!first) return ordinary;
  const isOfPlugin = ({ plugin }: Candidate) => plugin.equals(first.plugin);
  if (ordinary.chosen.length > 0 && !ordinary.chosen.some(isOfPlugin)) {
    const verdicts = attached.map((candidate) => ({ candidate, reason: 'OtherChosen' as const }));
    return { ...ordinary, verdicts: [...ordinary.verdicts, ...verdicts] };
  }
  const isAttached = new Set<unknown>(attached);
  const contenders = [...candidates.filter((candidate) => !isOfPlugin(candidate)), ...attached];
  // The API server has checked that its user may attach it. The others are judged by the rule.
  const admission = {
    ...rules.admission,
    admits: (one: Applicant) => isAttached.has(one) || rules.admission.admits(one),
  };
  const standingIn = select(contenders, { ...rules, admission }, request);
  // A version that the preference excludes would be chosen as the fallback only.
  const isFallback = ordinary.chosen.length > 0 && standingIn.reason !== ordinary.reason;
  if (isFallback || !standingIn.chosen.some((one) => isAttached.has(one))) {
    const verdicts = standingIn.verdicts
      .filter(({ candidate }) => isAttached.has(candidate))
      .map((verdict) => (isFallback ? { ...verdict, reason: 'PreferredVersionMismatch' as const } : verdict));
    return { ...ordinary, verdicts: [...ordinary.verdicts, ...verdicts] };
  }
  const stoodInFor = candidates.filter(isOfPlugin).map((candidate) => ({ candidate, reason: 'StoodInFor' as const }));
  return { chosen: standingIn.chosen, reason: 'Attached', verdicts: [...standingIn.verdicts, ...stoodInFor] };
}
