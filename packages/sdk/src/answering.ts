import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type FinalizeRequest, messageOf, Outcome, type ReconcileRequest, Severity } from '@kplug/protocol';
import type { Logger } from 'pino';
import type { FinalizeAnswer } from './finalize-answer.ts';
import { limits } from './limits.ts';
import { PluginError } from './plugin-error.ts';
import { type CallSpan, traced } from './tracing.ts';

/** Call that is being answered. */
interface Answered {
  log: Logger;
  request: ReconcileRequest | FinalizeRequest;
  signal: AbortSignal;
}

/** Answers a call in its span, and converts an error of the author's function into a response with a reason for the user. */
export function answering<A extends FinalizeAnswer>(
  method: 'Reconcile' | 'Finalize',
  call: Answered,
  answer: (span: CallSpan) => Promise<A>,
): Promise<A | FinalizeAnswer> {
  return traced(method, call.request, async (span): Promise<A | FinalizeAnswer> => {
    try {
      return await answer(span);
    } catch (error) {
      if (error instanceof PluginError) return answerOf(error);
      span.threw(error);
      logUnexpected(error, call);
      return failure(Outcome.RETRY, 'PluginError', messageOf(error));
    }
  });
}

function answerOf(error: PluginError): FinalizeAnswer {
  const outcome = error.code === 'Terminal' ? Outcome.TERMINAL : Outcome.RETRY;
  const answered = failure(outcome, error.reason, error.message);
  return error.retryAfter === undefined ? answered : { ...answered, retryAfter: durationFromMs(error.retryAfter) };
}

function logUnexpected(error: unknown, { log, request, signal }: Answered): void {
  // A function that stops because its signal was aborted usually throws.
  const level = signal.aborted ? 'debug' : 'error';
  const attempt = request.context?.attempt;
  // Each error is retried; its stack is logged once.
  if (isNewStack(error)) log[level]({ err: error, attempt }, 'the call failed with an unexpected error');
  else log[level]({ attempt }, `the call failed again with an unexpected error: ${messageOf(error)}`);
}

/** Stacks that were logged, without the messages of their errors. */
const loggedStacks = new Set<string>();

/** Reports whether the stack of an error has not been logged yet. */
function isNewStack(error: unknown): boolean {
  const stack = error instanceof Error ? error.stack?.slice(error.stack.indexOf('\n    at ')) : undefined;
  if (stack === undefined || loggedStacks.has(stack)) return false;
  if (loggedStacks.size === limits.serving.maxLoggedStacks) loggedStacks.clear();
  loggedStacks.add(stack);
  return true;
}

function failure(outcome: Outcome, reason: string, text: string): FinalizeAnswer {
  return { outcome, messages: [{ severity: Severity.ERROR, reason, text, target: '' }] };
}
