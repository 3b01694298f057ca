import type { ConditionContent } from '../../resources/conditions.ts';
import type { Attempt, Failure } from '../calls/attempt.ts';
import type { Choice } from '../choices/choose.ts';
import type { ExtensionProblem } from '../extensions/gather.ts';

/** Returns the conditions of a resource for which plugins have operations in progress. @param failed reason that precedes them. */
export function progressConditions(
  { reason, message }: Pick<Failure, 'reason' | 'message'>,
  attempts: readonly Attempt[],
  failed: Pick<Failure, 'reason' | 'message'> | undefined,
): ConditionContent[] {
  // For controllers that don't know of progress, plugins may repeat it as a message.
  const messages = attempts.flatMap(({ answer }) => answer?.messages ?? []).filter((one) => one.reason !== reason);
  const texts = [message, ...messages.map(({ text }) => text)].join('; ');
  return [
    { type: 'Reconciled', status: 'False', reason, message: texts },
    { type: 'Ready', status: 'False', reason: failed?.reason ?? reason, message: failed?.message ?? message },
  ];
}

/** Returns the conditions of a resource that isn't finalized yet. @param finalized content of `Finalized`, if it differs from that of `Ready`. */
export function finalizingConditions(
  { reason, message }: Pick<Failure, 'reason' | 'message'>,
  finalized?: Omit<ConditionContent, 'type'>,
): ConditionContent[] {
  const content = { status: 'False', reason, message } as const;
  return [
    { type: 'Finalized', ...(finalized ?? content) },
    { type: 'Ready', ...content },
  ];
}

/** Returns the condition about the choice. */
export function selectedCondition({ selection, reason, message }: Choice): ConditionContent {
  return { type: 'PluginSelected', status: selection.chosen.length > 0 ? 'True' : 'False', reason, message };
}

/** Returns the condition about references to extensions. */
export function extensionsCondition(problems: readonly ExtensionProblem[]): ConditionContent {
  const [first] = problems;
  if (!first) {
    const message = 'every extension that the resource references was found';
    return { type: 'ExtensionsResolved', status: 'True', reason: 'Resolved', message };
  }
  const message = problems.map((problem) => problem.message).join('; ');
  return { type: 'ExtensionsResolved', status: 'False', reason: first.reason, message };
}
