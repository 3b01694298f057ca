import { create } from '@bufbuild/protobuf';
import { FinalizeRequestSchema, Outcome, ReconcileRequestSchema } from '@kplug/protocol';
import { expect, it } from 'vitest';
import { limitAnswers } from './limit-answer.ts';
import type { ReconcileAnswer } from './plugin-service.ts';

const { signal } = new AbortController();

function answer(given: ReconcileAnswer, maxSize = 10_000) {
  const handlers = { reconcile: async () => given, finalize: async () => given };
  return limitAnswers(handlers, maxSize).reconcile(create(ReconcileRequestSchema), signal);
}

it.each<[string, ReconcileAnswer]>([
  ['status', { baseStatus: Buffer.alloc(10_000) }],
  ['statuses of extensions', { extensionStatuses: { a: Buffer.alloc(6_000), b: Buffer.alloc(6_000) } }],
  ['dependents', { dependents: { items: [Buffer.alloc(6_000), Buffer.alloc(6_000)] } }],
  ['messages', { messages: [{ reason: 'Long', text: 'ä'.repeat(6_000) }] }],
  ['events', { events: Array.from({ length: 100 }, () => ({ reason: 'Long', message: 'x'.repeat(200) })) }],
  ['conditions', { conditions: [{ type: 'x', reason: 'Long', message: 'x'.repeat(10_000) }] }],
])('replaces an answer whose %s are too large by a failure that reports the sizes', async (_, parts) => {
  const { outcome, messages = [] } = await answer({ outcome: Outcome.SUCCESS, ...parts });
  expect(outcome).toBe(Outcome.RETRY);
  expect(messages).toMatchObject([{ reason: 'AnswerTooLarge' }]);
  expect(messages[0]?.text).toMatch(/^the answer has \d\d,\d{3} bytes; at most 10,000 can be sent: return less/);
});

it('sends an answer that fits, even one whose texts only seem to be too long', async () => {
  const given = { outcome: Outcome.SUCCESS, messages: [{ reason: 'Long', text: 'x'.repeat(9_000) }] };
  expect(await answer(given)).toBe(given);
  const exact = { outcome: Outcome.SUCCESS, baseStatus: Buffer.alloc(9_900) };
  expect(await answer(exact)).toBe(exact);
});

it('limits answers to Finalize too', async () => {
  const given = { outcome: Outcome.SUCCESS, messages: [{ reason: 'Long', text: 'x'.repeat(20_000) }] };
  const handlers = { reconcile: async () => given, finalize: async () => given };
  const { messages } = await limitAnswers(handlers, 10_000).finalize(create(FinalizeRequestSchema), signal);
  expect(messages).toMatchObject([{ reason: 'AnswerTooLarge' }]);
});
