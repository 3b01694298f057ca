import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type FinalizeResponseSchema,
  type MessageSchema,
  Outcome,
  type Operation as SentOperation,
  Severity,
} from '@kplug/protocol';
import type { Operation, Progress } from './plugin.ts';
import { PluginError } from './plugin-error.ts';

/** Encodes the fields of a response that say that an operation is in progress. Throws for an invalid percentage. */
export function encodeProgress({ percentage, message = '', token = '', after }: Progress) {
  if (percentage !== undefined && !(Number.isInteger(percentage) && percentage >= 0 && percentage <= 100)) {
    throw new PluginError(
      'Retry',
      `the plugin returned the percentage ${percentage}; it must be an integer from 0 to 100`,
    );
  }
  return {
    outcome: Outcome.RETRY,
    progress: { ...(percentage !== undefined && { percentage }), message, token },
    ...(after !== undefined && { retryAfter: durationFromMs(after) }),
  } satisfies MessageInitShape<typeof FinalizeResponseSchema>;
}

/** Describes progress to controllers that don't know of it, and take the answer for a failure. */
export function progressMessage({ percentage, message = '' }: Progress): MessageInitShape<typeof MessageSchema> {
  const state = percentage === undefined ? 'in progress' : `${percentage} % done`;
  return { severity: Severity.INFO, reason: 'InProgress', text: message ? `${state}: ${message}` : state, target: '' };
}

/** Decodes the operation of a request. */
export function decodeOperation(sent: SentOperation | undefined): Operation | undefined {
  if (!sent) return undefined;
  const { percentage, message = '', token = '' } = sent.progress ?? {};
  return {
    percentage,
    message,
    token,
    generation: Number(sent.generation),
    startedAt: new Date(sent.startedAt ? timestampMs(sent.startedAt) : 0),
    isCancelled: sent.cancelled,
  };
}
