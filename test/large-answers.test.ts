import { setTimeout as sleep } from 'node:timers/promises';
import {
  type GrpcHandlers,
  Outcome,
  type PluginService,
  type ReconcileRequest,
  type WorkRequest,
} from '@kplug/protocol';
import { reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { rawPlugin } from './raw-plugin.ts';

const MiB = 1024 * 1024;
const waiting = { timeout: 30_000, interval: 5 };
const back = { backOff: { initial: 10, max: 10 } };

type Stream = Parameters<GrpcHandlers<typeof PluginService>['work']>[0];

interface Base {
  metadata: { name: string; uid: string };
  spec: { answer?: number; n?: number };
}

const baseOf = ({ base }: Pick<ReconcileRequest, 'base'>) => JSON.parse(new TextDecoder().decode(base?.json)) as Base;

/** Answer of the size that the spec of the resource requests. */
const answerTo = ({ spec: { answer = 1, n = 0 } }: Base) => ({
  outcome: Outcome.SUCCESS,
  baseStatus: Buffer.from(JSON.stringify({ n, text: 'x'.repeat(answer) })),
});

/** Has another resource reconciled again. */
async function expectServed(operator: TestOperator, n: number) {
  operator.table('tiny', { n });
  await operator.expectReady('tiny');
  expect(operator.get('tiny')?.status).toMatchObject({ n });
}

describe('fifty answers of 5 MiB for one resource leave the other resources of the plugin served', () => {
  it('by the SDK, which refuses to send them, with the sizes and what to do', async () => {
    const operator = await TestOperator.start({ ...back, maxStatusSize: MiB });
    let calls = 0;
    await operator.plugin({
      name: 'Big',
      reconcile: ({ base }) => {
        const { answer = 1, n = 0 } = base.spec as Base['spec'];
        if (answer > 1) calls++;
        return { status: { n, text: 'x'.repeat(answer) } };
      },
    });
    operator.table('culprit', { answer: 5 * MiB });
    await vi.waitFor(() => expect(calls).toBeGreaterThan(50), waiting);
    await expectServed(operator, 1);
    const ready = operator.condition('culprit', 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'AnswerTooLarge' });
    expect(ready?.message).toMatch(
      /^Big 1\.0\.0: the answer has 5,24\d,\d+ bytes; at most 4,194,304 can be sent: return less/,
    );
    // It is served again as soon as its answer fits.
    operator.table('culprit', { answer: 10 });
    await operator.expectReady('culprit');
  });

  it.each([
    ['with separate RPCs', false],
    ['over Work', true],
  ])('by a plugin without the SDK that sends them, %s', async (_, servesWork) => {
    const operator = await TestOperator.start(back);
    const plugin = await unlimited(operator, servesWork);
    operator.table('culprit', { answer: 5 * MiB });
    for (let n = 1; n <= 5; n++) {
      await vi.waitFor(() => expect(plugin.calls).toBeGreaterThan(10 * n), waiting);
      await expectServed(operator, n);
    }
    expect(operator.condition('culprit', 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('culprit', 'Ready')?.message).toMatch(
      /the answer of Raw .* is too large: .*; return less/,
    );
  });
});

it.each([
  ['with separate RPCs', false],
  ['over Work', true],
])('a connection that refuses calls because its memory limit is exceeded is replaced, %s', async (_, servesWork) => {
  // An answer may end a stream on which another call waits: that call may still run, and is repeated at its deadline.
  const operator = await TestOperator.start({ ...back, deadline: '2s', breaker: { timeouts: 0 } });
  // Node.js counts the rest of each cancelled answer for as long as the connection is open.
  const plugin = await unlimited(operator, servesWork, { 'grpc-node.max_session_memory': 10 });
  operator.table('culprit', { answer: 20 * MiB });
  for (let n = 1; n <= 5; n++) {
    await vi.waitFor(() => expect(plugin.calls).toBeGreaterThan(n), waiting);
    await expectServed(operator, n);
    expect(operator.condition('culprit', 'Ready')).toMatchObject({ status: 'False' });
  }
});

/** Serves a plugin without the SDK, which sends answers of any size. */
async function unlimited(operator: TestOperator, servesWork: boolean, server = {}) {
  const counts = { calls: 0 };
  const answer = (request: ReconcileRequest) => {
    const base = baseOf(request);
    if ((base.spec.answer ?? 1) > 1) counts.calls++;
    return answerTo(base);
  };
  const work = (stream: Stream) => {
    stream.on('data', ({ id, call }: WorkRequest) => {
      if (call.case === 'reconcile') stream.write({ id, answer: { case: 'reconcile', value: answer(call.value) } });
    });
  };
  await rawPlugin(operator, answer, { server, ...(servesWork && { work }) });
  return counts;
}

it('fifty requests of 5 MiB for one resource leave the other resources of the plugin served', async () => {
  const operator = await TestOperator.start(back);
  await operator.plugin({
    name: 'Big',
    reconcile: ({ base }) => ({ status: { n: (base.spec as Base['spec']).n ?? 0 } }),
  });
  const extensions = ['a', 'b'].map((name) => reference('Text', name));
  for (const { name } of extensions) operator.extension('Text', `${name}`, { text: 'x'.repeat(2.5 * MiB) });
  operator.table('culprit', { extensions });
  for (let n = 1; n <= 5; n++) {
    await sleep(200);
    await expectServed(operator, n);
  }
  expect(operator.condition('culprit', 'Ready')?.message).toMatch(/the request to Big 1\.0\.0 at \S+ is too large/);
});

it('a hundred concurrent calls with large requests and answers share a connection', async () => {
  const operator = await TestOperator.start({ ...back, concurrency: 100, maxStatusSize: MiB });
  const names = Array.from({ length: 100 }, (_, index) => `t${index}`);
  let inFlight = 0;
  const all = Promise.withResolvers<void>();
  await operator.plugin({
    name: 'Big',
    reconcile: async ({ base }) => {
      inFlight++;
      if (inFlight === names.length) all.resolve();
      await all.promise;
      return { status: { text: (base.spec as { text: string }).text } };
    },
  });
  for (const name of names) operator.table(name, { text: 'x'.repeat(900_000) });
  for (const name of names) await operator.expectReady(name);
  expect(inFlight).toBe(names.length);
}, 60_000);

describe('no two calls for one resource run at once', () => {
  /** Counts the calls that run at once for a resource. */
  class Running {
    readonly #running = new Map<string, number>();
    max = 0;
    calls = 0;

    async run<T>(uid: string, work: () => Promise<T>): Promise<T> {
      const count = (this.#running.get(uid) ?? 0) + 1;
      this.calls++;
      this.#running.set(uid, count);
      this.max = Math.max(this.max, count);
      try {
        return await work();
      } finally {
        this.#running.set(uid, (this.#running.get(uid) ?? 0) - 1);
      }
    }
  }

  it('when the stream of a plugin without the SDK ends on an answer of another resource', async () => {
    const operator = await TestOperator.start({ ...back, deadline: '2s' });
    const running = new Running();
    const ended = Promise.withResolvers<void>();
    const answer = (request: ReconcileRequest) => {
      const base = baseOf(request);
      return running.run(base.metadata.uid, async () => {
        if (base.metadata.name === 'slow') await ended.promise;
        return answerTo(base);
      });
    };
    await rawPlugin(operator, answer, {
      work: (stream) => {
        stream.on('data', async ({ id, call }: WorkRequest) => {
          if (call.case !== 'reconcile') return;
          stream.write({ id, answer: { case: 'reconcile', value: await answer(call.value) } });
        });
      },
    });
    operator.table('slow');
    await vi.waitFor(() => expect(running.calls).toBe(1), waiting);
    operator.table('culprit', { answer: 20 * MiB });
    await operator.expectCondition('slow', 'Ready', { status: 'False', reason: 'PluginFailed' });
    expect(operator.condition('slow', 'Ready')?.message).toMatch(
      /^a call of Raw 1\.0\.0 was interrupted \(.*ended before its answer.*\) and may still run; it is called again in [12] s/,
    );
    operator.delete('culprit');
    // A change of the user's doesn't lead to a second call either.
    operator.table('slow', { n: 2 });
    ended.resolve();
    await operator.expectReady('slow');
    expect(operator.get('slow')?.status).toMatchObject({ n: 2 });
    expect(running.max).toBe(1);
  });

  it('when the deadline of a call by the SDK has passed while its function still runs', async () => {
    const operator = await TestOperator.start({ ...back, deadline: '300ms' });
    const running = new Running();
    await operator.plugin({
      name: 'Deaf',
      reconcile: ({ base }) =>
        running.run(base.metadata.uid, async () => {
          // It ignores its signal.
          if (running.calls === 1) await sleep(1_000);
          return {};
        }),
    });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DeadlineExceeded' });
    await operator.expectReady('users', 'Deaf');
    expect(running.max).toBe(1);
    expect(running.calls).toBe(2);
  });
});

it('an extension that is too large for the stream goes as a separate RPC, as do dependents', async () => {
  const operator = await TestOperator.start();
  operator.extension('PgOptions', 'users', { text: 'x'.repeat(300_000) });
  operator.table('users', { extensions: [reference('PgOptions', 'users')] });
  await operator.plugin({ name: 'Big' });
  await operator.expectReady('users', 'Big');
});
