import type { Choice } from '../delegation/choices/choose.ts';
import type { Delegation } from '../delegation/delegation.ts';
import type { Implementation } from '../registry/implementation.ts';
import { explainVerdict } from '../selection/explain.ts';
import type { Verdict, VerdictReason } from '../selection/select.ts';

/** Candidate with the reason why it was chosen or not, in a sentence. */
export interface JudgedCandidate {
  candidate: Implementation;
  reason: VerdictReason;
  message: string;
}

/** Explains the verdicts on all candidates for a resource, chosen ones first. */
export function judgeCandidates({ selection, request }: Choice, delegation: Delegation): JudgedCandidate[] {
  const { rules } = delegation.settings;
  return [...selection.verdicts].sort(chosenFirst).map((verdict) => ({
    ...verdict,
    message: withSuspension(explainVerdict(verdict, rules, request), verdict, delegation),
  }));
}

/** Adds why a plugin gets no calls to the explanation of a verdict on it. */
export function withSuspension(
  explanation: string,
  { candidate, reason }: Verdict<Implementation>,
  delegation: Delegation,
): string {
  const suspension = delegation.suspensionOf(candidate);
  if (!suspension) return explanation;
  return reason === 'Suspended' ? suspension : `${explanation}; ${suspension}`;
}

function chosenFirst(a: Verdict, b: Verdict): number {
  const byChoice = Number(b.reason === 'Chosen') - Number(a.reason === 'Chosen');
  return (
    byChoice ||
    a.candidate.plugin.text.localeCompare(b.candidate.plugin.text) ||
    b.candidate.semver.compare(a.candidate.semver)
  );
}
