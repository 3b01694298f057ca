import type { Case, Finding } from '../finding.ts';

/** Right that the operator lacks, as the messages about it say. */
const lacking = /the operator may not ([^;]+)/;
const remedy = /add to (.+?) of its service account the rule (\{.*?\})/;

/** A right that is missing, for a write or for reading a kind. */
export function missingRight({ known, culprit }: Case): Finding | undefined {
  return describeRight(culprit?.message ?? '') ?? describeRight(known.state.message);
}

/** Describes the right that a message says is missing. */
export function describeRight(message: string): Finding | undefined {
  const [, right] = lacking.exec(message) ?? [];
  if (right === undefined) return undefined;
  const [, role, rule] = remedy.exec(message) ?? [];
  const advice = rule
    ? `Add to ${role} of the operator's service account the rule ${rule}; the operator goes on by itself`
    : `Grant that right to the operator's service account; "kplug doctor" lists the rights that are missing`;
  return { reason: 'Forbidden', summary: `The operator may not ${right.trim()}`, advice };
}
