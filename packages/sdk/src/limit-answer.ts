import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FinalizeResponseSchema, Outcome, ReconcileResponseSchema, Severity } from '@kplug/protocol';
import type { FinalizeAnswer } from './finalize-answer.ts';
import type { PluginHandlers, ReconcileAnswer } from './plugin-service.ts';

/** Bytes that a stream adds to an answer. */
const overhead = 64;

/**
 * Limits the size of the answers of handlers. A controller refuses larger ones, and one on a shared stream would end the calls of other
 * resources too. A larger answer is replaced by a failure that reports its size.
 *
 * @param maxSize in bytes.
 */
export function limitAnswers({ reconcile, finalize }: PluginHandlers, maxSize: number): PluginHandlers {
  return {
    reconcile: async (request, signal) =>
      limitAnswer(ReconcileResponseSchema, await reconcile(request, signal), maxSize),
    finalize: async (request, signal) => limitAnswer(FinalizeResponseSchema, await finalize(request, signal), maxSize),
  };
}

function limitAnswer<S extends DescMessage, A extends ReconcileAnswer | FinalizeAnswer>(
  schema: S,
  answer: A,
  maxSize: number,
): A | FinalizeAnswer {
  if (maxSizeOf(answer) <= maxSize) return answer;
  const size = toBinary(schema, create(schema, answer as MessageInitShape<S>)).length + overhead;
  if (size <= maxSize) return answer;
  const text = `the answer has ${format(size)} bytes; at most ${format(maxSize)} can be sent: return less, such as a shorter status (${describeParts(answer)})`;
  const message = { severity: Severity.ERROR, reason: 'AnswerTooLarge', text, target: '' };
  return { outcome: Outcome.RETRY, messages: [message] };
}

/** Returns an upper bound of the encoded size of an answer, which is cheap to compute. */
function maxSizeOf(answer: ReconcileAnswer): number {
  const { messages = [], events = [], conditions = [], extensionStatuses = {} } = answer;
  let size = overhead + bytesOf(answer);
  for (const { reason = '', text = '', target = '' } of messages) size += textSize(reason, text, target);
  for (const { reason = '', message = '', target = '' } of events) size += textSize(reason, message, target);
  for (const { type = '', reason = '', message = '' } of conditions) size += textSize(type, reason, message);
  for (const key in extensionStatuses) size += textSize(key);
  return size;
}

/** Returns the size of the statuses and dependents of an answer, in bytes. */
function bytesOf({ baseStatus, extensionStatuses = {}, dependents }: ReconcileAnswer): number {
  let size = baseStatus?.length ?? 0;
  for (const status of Object.values(extensionStatuses)) size += status.length + overhead;
  for (const item of dependents?.items ?? []) size += item.length + overhead;
  return size;
}

/** Returns an upper bound of the size of texts in UTF-8, and of the fields around them. */
function textSize(...texts: readonly string[]): number {
  return texts.reduce((size, text) => size + 3 * text.length + overhead, overhead);
}

/** Describes the sizes of the parts of an answer. */
function describeParts({ baseStatus, extensionStatuses = {}, dependents }: ReconcileAnswer): string {
  const sizes: [string, number][] = [
    ['status', baseStatus?.length ?? 0],
    ["extensions' statuses", sum(Object.values(extensionStatuses))],
    ['dependents', sum(dependents?.items ?? [])],
  ];
  return sizes.map(([part, size]) => `${part}: ${format(size)} bytes`).join(', ');
}

function sum(items: readonly Uint8Array[]): number {
  return items.reduce((size, { length }) => size + length, 0);
}

function format(value: number): string {
  return value.toLocaleString('en');
}
