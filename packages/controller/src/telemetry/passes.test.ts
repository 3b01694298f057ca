import { describe, expect, test } from 'vitest';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Resource } from '../resources/resource.ts';
import type { PassRecord } from './pass-record.ts';
import type { PassSteps } from './pass-steps.ts';
import { Passes } from './passes.ts';

const base: Resource = {
  apiVersion: 'example.org/v1',
  kind: 'Table',
  metadata: { name: 'users', namespace: 'shop', uid: '1', generation: 3, resourceVersion: '7', creationTimestamp: '' },
};
const subject = { delegation: 'tables', base, attempt: 2, waited: 5 };
const end = {
  result: 'settled',
  failed: false,
  ready: 'True',
  reason: 'Reconciled',
  message: 'done',
  plugins: ['A 1.0.0'],
} as const;
const write = {
  kind: 'write',
  verb: 'status',
  target: 'example.org/v1/Table/shop/users',
  fieldManager: 'kplug/tables',
} as const;

async function record(make: (steps: PassSteps) => Promise<void>): Promise<PassRecord> {
  const received: PassRecord[] = [];
  await new Passes({ ended: (pass) => received.push(pass) }).run(subject, make, () => end);
  const [pass] = received;
  if (!pass) throw new Error('no pass was received');
  return pass;
}

describe('an observed pass', () => {
  test('is received at its end, with its steps and their outcomes', async () => {
    const pass = await record(async (steps) => {
      await steps.run({ kind: 'gather' }, async () => undefined);
      await steps.run(write, async (step) => step.ended('written'));
    });
    expect(pass).toMatchObject({
      ...{ key: 'example.org/v1/Table/shop/users', uid: '1', generation: 3, delegation: 'tables' },
      ...{ attempt: 2, waited: 5, ...end, omittedSteps: 0 },
      steps: [
        { kind: 'gather', target: '', outcome: '' },
        { kind: 'write', target: 'status of Table shop/users', outcome: 'written' },
      ],
    });
    expect(pass.traceId).toBeUndefined();
    expect(pass.took).toBeGreaterThanOrEqual(pass.steps[1]?.offset ?? Number.POSITIVE_INFINITY);
  });

  test('has the code and the message of a failed step, which is passed on', async () => {
    const failure = new KplugError('StorageFailed', 'the disk is full');
    const pass = await record(async (steps) => {
      await expect(steps.run(write, () => Promise.reject(failure))).rejects.toBe(failure);
      expect(() =>
        steps.run({ kind: 'select' }, () => {
          throw new TypeError('a defect');
        }),
      ).toThrow('a defect');
    });
    expect(pass.steps.map(({ error }) => error)).toEqual([
      { code: 'StorageFailed', message: 'the disk is full' },
      { code: 'Unknown', message: 'a defect' },
    ]);
  });

  test('keeps a limited number of steps with limited texts, and counts the others', async () => {
    const { maxPassSteps, maxPassTextLength } = limits.telemetry;
    const pass = await record(async (steps) => {
      for (let i = 0; i < maxPassSteps + 3; i++) steps.run(write, (step) => step.ended('x'.repeat(100_000)));
    });
    expect(pass).toMatchObject({ omittedSteps: 3 });
    expect(pass.steps).toHaveLength(maxPassSteps);
    expect(pass.steps[0]?.outcome).toHaveLength(maxPassTextLength);
  });
});

test('a pass that nobody observes makes its steps without a trace', async () => {
  const { made, traceId } = await new Passes().run(
    subject,
    async (steps) => steps.run(write, async ({ trace, isTraced }) => ({ trace, isTraced, ...steps })),
    () => {
      throw new Error('it is not described');
    },
  );
  expect(made).toMatchObject({ trace: undefined, isTraced: false, isObserved: false });
  expect(traceId).toBeUndefined();
});
