// Answers of a plugin of kplug.v1 that are too large in one of many ways. For what they may say see `answers.test.ts`.
import { create, toBinary } from '@bufbuild/protobuf';
import { Outcome, ReconcileResponseSchema, WorkResponseSchema } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { readWorkResponse } from '../../packages/controller/src/clients/v1/read-work-response.ts';
import { rawPlugin } from '../raw-plugin.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const MiB = 2 ** 20;

/** Longest block of the event loop during an attack, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

const waiting = { timeout: 30_000, interval: 5 };

/** Returns bytes of JSON with many keys. */
const keys = (count: number) => {
  const fields = Array.from({ length: count }, (_, index) => `"${index.toString(36)}":0`);
  return Buffer.from(`{${fields.join(',')}}`);
};

/** Returns fields of a message that take two bytes each: a tag and the length 0, or a tag and the value 0. */
const fields = (tag: number, count: number) => Buffer.alloc(2 * count, Buffer.from([tag, 0]));

/** Returns a field with bytes. */
function field(tag: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const outcome = Buffer.from([0x08, Outcome.SUCCESS]);

const tagOf = (name: 'baseStatus' | 'events' | 'extensionStatuses' | 'dependents') =>
  (ReconcileResponseSchema.field[name].number << 3) | 2;
const tags = {
  baseStatus: tagOf('baseStatus'),
  events: tagOf('events'),
  extensionStatuses: tagOf('extensionStatuses'),
  dependents: tagOf('dependents'),
};

/** Answers in the form of the wire, with the reason for the refusal. */
const attacks: readonly [string, () => Buffer, RegExp][] = [
  // Without the limit, an answer of 100 MB would be held in memory, and again for its text and its values.
  ['of 100 MB', () => field(tags.baseStatus, Buffer.alloc(100 * MiB, 'x')), /too large|larger|Received message/i],
  ['with a million keys', () => field(tags.baseStatus, keys(1_000_000)), /too large|larger|Received message/i],
  // Without the count of values, parsing a status would block heartbeats.
  ['with a hundred thousand keys', () => field(tags.baseStatus, keys(100_000)), /more than 20,000 values/],
  [
    'with the key __proto__',
    () => field(tags.baseStatus, Buffer.from('{"__proto__":{"polluted":true}}')),
    /__proto__ is a key that is not allowed/,
  ],
  [
    'with a key of a megabyte',
    () => field(tags.baseStatus, Buffer.from(`{"${'k'.repeat(900_000)}":1}`)),
    /a key of 900,000 bytes/,
  ],
  [
    'with a number of 900,000 digits',
    () => field(tags.baseStatus, Buffer.from(`{"a":${'9'.repeat(900_000)}}`)),
    /out of range/,
  ],
  // Without the count of fields, 4 MiB would become two million objects before anything is checked.
  ['with two million Events', () => fields(tags.events, 2_000_000), /more than 20,000 fields/],
  ['with two million statuses', () => fields(tags.extensionStatuses, 2_000_000), /more than 20,000 fields/],
  ['with two million dependents', () => field(tags.dependents, fields(0x0a, 2_000_000)), /more than 20,000 fields/],
  ['with two million unknown fields', () => fields(0x78, 2_000_000), /more than 20,000 fields/],
  ['with an Event of unknown fields', () => field(tags.events, fields(0x78, 2_000_000)), /more than 20,000 fields/],
  ['with a million nested groups', () => Buffer.alloc(MiB, 0x7b), /malformed|recursion|illegal|INTERNAL/i],
];

describe('an operator refuses an answer, and serves other plugins,', () => {
  it.each(attacks)('%s', async (_, make, reason) => {
    const operator = await TestOperator.start({ backOff: { initial: 5, max: 20 }, maxStatusSize: MiB });
    const bytes = Buffer.concat([outcome, make()]);
    let calls = 0;
    await rawPlugin(
      operator,
      () => {
        calls++;
        return {};
      },
      {},
      bytes,
    );
    await operator.plugin({ name: 'Honest', reconcile: ({ base }) => ({ status: { spec: base.spec as object } }) });
    operator.table('honest', { preferredImplementation: 'Honest', n: 0 });
    await operator.expectReady('honest', 'Honest');
    const block = await longestBlock(async () => {
      operator.table('victim', { preferredImplementation: 'Raw' });
      await operator.expectCondition('victim', 'Ready', { status: 'False' });
      await vi.waitFor(() => expect(calls).toBeGreaterThan(3), waiting);
      operator.table('honest', { preferredImplementation: 'Honest', n: 1 });
      await operator.expectReady('honest', 'Honest');
    });
    expect(operator.condition('victim', 'Ready')?.message).toMatch(reason);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(block / unitOfWork()).toBeLessThan(maxBlock);
  });

  // Without the count, each frame of a stream would become two million objects.
  it('with two million Events over a stream, which ends that call only', () => {
    const { number } = WorkResponseSchema.field.reconcile;
    const id = toBinary(WorkResponseSchema, create(WorkResponseSchema, { id: 7 }));
    const frame = Buffer.concat([id, field((number << 3) | 2, fields(tags.events, 1_900_000))]);
    expect(readWorkResponse(frame, 4 * MiB)).toMatchObject({
      id: 7,
      answer: { case: 'error', value: { message: expect.stringContaining('more than 20,000 fields') } },
    });
  });
});
