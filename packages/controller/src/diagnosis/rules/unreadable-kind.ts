import type { Case, Finding } from '../finding.ts';
import { formatKind } from '../words.ts';
import { describeRight } from './missing-right.ts';

/** The resources of the delegation can't be read. */
export function unreadableKind({ known: { delegation } }: Case): Finding | undefined {
  const { problem, settings } = delegation;
  if (!problem) return undefined;
  const { reason, message } = problem;
  const right = describeRight(message);
  if (right) return right;
  const kind = formatKind(settings.base);
  if (reason === 'KindNotFound') {
    const advice = 'Install its CustomResourceDefinition; the operator notices that by itself';
    return { reason, summary: `The kind ${kind} doesn't exist: ${message}`, advice };
  }
  const summary = `The resources of the kind ${kind} can't be read, so their state isn't known: ${message}`;
  return { reason, summary, advice: 'Find out why the API server doesn\'t answer the operator: "kplug doctor"' };
}
