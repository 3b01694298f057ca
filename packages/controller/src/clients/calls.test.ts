import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import {
  addService,
  createGrpcClient,
  type GrpcHandlers,
  Outcome,
  PluginService,
  type WorkResponse,
  WorkResponseSchema,
} from '@kplug/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PluginCalls } from './calls.ts';
import { isInterrupted } from './interruption.ts';

type Handlers = GrpcHandlers<typeof PluginService>;
type Stream = Parameters<Handlers['work']>[0];

const MiB = 1024 * 1024;
const success = { outcome: Outcome.SUCCESS };
const soon = () => Date.now() + 10_000;

/** Serves a plugin with the given `Work` handler, and counts the calls that arrive as separate RPCs. */
async function serve(work: (stream: Stream) => void, { serializesCalls = true } = {}) {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  const reconcile = vi.fn<Handlers['reconcile']>(() => success);
  const finalize = vi.fn<Handlers['finalize']>(() => success);
  const streams: Stream[] = [];
  addService(server, PluginService, {
    reconcile,
    finalize,
    work: (stream) => {
      streams.push(stream);
      work(stream);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const plugin = createGrpcClient(PluginService, `127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': 16 * MiB,
  });
  const ended = new AbortController();
  const calls = new PluginCalls(plugin, {
    signal: ended.signal,
    maxMessageSize: 4 * MiB,
    streams: { isUnsafe: false },
  });
  calls.configure({ servesWork: true, serializesCalls });
  onTestFinished(() => {
    plugin.$client.close();
    server.forceShutdown();
  });
  return { calls, reconcile, finalize, streams, ended, server };
}

it('makes all calls over one stream, and accepts the responses in any order', async () => {
  const { calls, reconcile, finalize, streams } = await serve((stream) => {
    const held: number[] = [];
    stream.on('data', ({ id, call }) => {
      held.push(id);
      if (call.case !== 'finalize') return;
      for (const each of held.reverse()) {
        const value = { ...success, messages: [{ reason: 'Number', text: String(each) }] };
        stream.write({ id: each, answer: { case: each === id ? 'finalize' : 'reconcile', value } });
      }
    });
  });
  const answers = await Promise.all([
    calls.reconcile({}, soon()),
    calls.reconcile({}, soon()),
    calls.finalize({}, soon()),
  ]);
  expect(answers.map(({ messages: [message] }) => message?.text)).toEqual(['1', '2', '3']);
  expect(streams).toHaveLength(1);
  expect(reconcile).not.toHaveBeenCalled();
  expect(finalize).not.toHaveBeenCalled();
});

it('cancels a call at its deadline, notifies the plugin, and ignores a later response', async () => {
  const cancelled: number[] = [];
  const { calls } = await serve((stream) => {
    stream.on('data', ({ id, call }) => {
      if (call.case === 'cancellation') cancelled.push(id);
      else if (id === 1) return;
      stream.write({ id, answer: { case: 'reconcile', value: success } });
    });
  });
  await expect(calls.reconcile({}, Date.now() + 50)).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
  await vi.waitFor(() => expect(cancelled).toEqual([1]));
  await expect(calls.reconcile({}, soon())).resolves.toMatchObject(success);
});

it('rejects a call that the plugin ends with an error, and one with a response of another type', async () => {
  const { calls } = await serve((stream) => {
    stream.on('data', ({ id, call }) => {
      if (call.case === 'reconcile') {
        stream.write({ id, answer: { case: 'error', value: { code: grpc.status.DATA_LOSS, message: 'lost' } } });
      } else stream.write({ id, answer: { case: 'reconcile', value: success } });
    });
  });
  const lost = { code: grpc.status.DATA_LOSS, details: 'lost' };
  await expect(calls.reconcile({}, soon())).rejects.toMatchObject(lost);
  await expect(calls.finalize({}, soon())).rejects.toMatchObject({
    code: grpc.status.INTERNAL,
    details: 'the response to Finalize is of type reconcile',
  });
});

const endings = [
  ['ends the stream', (stream: Stream) => stream.end()],
  ['sends a response that is far too large', (stream: Stream) => stream.write({ id: 1, answer: answerOf(17 * MiB) })],
  ['fails', (stream: Stream) => stream.emit('error', { code: grpc.status.INTERNAL, details: 'broken' })],
] as const;

/** Ends a stream when the second call has arrived. */
const endAtSecond = (end: (stream: Stream) => unknown) => (stream: Stream) => {
  let received = 0;
  stream.on('data', () => {
    received++;
    if (received === 2) end(stream);
  });
};

/** Answers each call as soon as the test says so. */
function answerLater() {
  const answers: (() => void)[] = [];
  const work = (stream: Stream) => {
    stream.on('data', ({ id }) => {
      answers.push(() => stream.write({ id, answer: { case: 'reconcile', value: success } }));
    });
  };
  return { work, answers };
}

it('opens more streams while those that it has are busy, up to a limit, and spreads the calls over them', async () => {
  const { work, answers } = answerLater();
  const { calls, streams, reconcile } = await serve(work);
  const make = (count: number) => Array.from({ length: count }, () => calls.reconcile({}, soon()));
  const first = make(4);
  await vi.waitFor(() => expect(answers).toHaveLength(4));
  expect(streams).toHaveLength(1);
  const all = [...first, ...make(60)];
  await vi.waitFor(() => expect(answers).toHaveLength(64));
  expect(streams).toHaveLength(8);
  for (const answer of answers.splice(0)) answer();
  expect(await Promise.all(all)).toHaveLength(64);
  const next = make(8);
  await vi.waitFor(() => expect(answers).toHaveLength(8));
  for (const answer of answers.splice(0)) answer();
  await Promise.all(next);
  expect(streams).toHaveLength(8);
  expect(reconcile).not.toHaveBeenCalled();
});

it('replaces the streams that end, and continues on the others', async () => {
  const { work, answers } = answerLater();
  const { calls, streams, reconcile } = await serve(work);
  const made = Array.from({ length: 12 }, () => calls.reconcile({}, soon()));
  await vi.waitFor(() => expect(answers).toHaveLength(12));
  expect(streams).toHaveLength(3);
  const [ended] = streams;
  ended?.end();
  // The calls of the stream that ended are made as separate RPCs.
  await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(4));
  for (const answer of answers.splice(0)) answer();
  expect(await Promise.all(made)).toHaveLength(12);
  const next = Array.from({ length: 12 }, () => calls.reconcile({}, soon()));
  await vi.waitFor(() => expect(answers).toHaveLength(12));
  expect(streams).toHaveLength(4);
  for (const answer of answers.splice(0)) answer();
  expect(await Promise.all(next)).toHaveLength(12);
});

it('cancels the calls on all streams at its end', async () => {
  const { work, answers } = answerLater();
  const { calls, ended } = await serve(work);
  const made = Array.from({ length: 12 }, () => calls.reconcile({}, soon()));
  await vi.waitFor(() => expect(answers).toHaveLength(12));
  const settled = Promise.allSettled(made);
  ended.abort();
  expect((await settled).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 'rejected'));
});

describe('when the stream ends', () => {
  it.each(endings)('repeats in-flight calls as separate RPCs if it serializes calls: %s', async (_, end) => {
    const { calls, reconcile, streams } = await serve(endAtSecond(end));
    const both = await Promise.all([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
    expect(both).toMatchObject([success, success]);
    expect(reconcile).toHaveBeenCalledTimes(2);

    await Promise.all([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
    expect(streams).toHaveLength(2);
  });

  it.each(endings)('repeats no call that may still run: %s', async (_, end) => {
    const { calls, reconcile } = await serve(endAtSecond(end), { serializesCalls: false });
    const both = await Promise.allSettled([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
    for (const call of both) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: grpc.status.UNAVAILABLE } });
      expect(isInterrupted((call as PromiseRejectedResult).reason)).toBe(true);
    }
    expect(reconcile).not.toHaveBeenCalled();
  });

  it('makes separate RPCs after an answer has ended a stream together with other calls', async () => {
    const [, [, end]] = endings;
    const { calls, reconcile, streams } = await serve(endAtSecond(end), { serializesCalls: false });
    await Promise.allSettled([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
    await expect(calls.reconcile({}, soon())).resolves.toMatchObject(success);
    expect(reconcile).toHaveBeenCalledOnce();
    expect(streams).toHaveLength(1);
  });
});

it.each([
  [
    'is too large',
    (id: number) => ({ id, answer: answerOf(5 * MiB) }),
    grpc.status.RESOURCE_EXHAUSTED,
    /message larger than max \(5242\d+ vs/,
  ],
  ['is malformed', malformed, grpc.status.INTERNAL, /the response is malformed/],
])('a response that %s ends only its own call', async (_, responseTo, code, details) => {
  const { calls, reconcile, streams } = await serve((stream) => {
    stream.on('data', ({ id }) => {
      if (id === 2) stream.write(responseTo(id));
      if (id !== 3) return;
      for (const other of [1, 3]) stream.write({ id: other, answer: { case: 'reconcile', value: success } });
    });
  });
  const made = [1, 2, 3].map(() => calls.reconcile({}, soon()));
  const [first, second, third] = await Promise.allSettled(made);
  expect([first, third]).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  expect(second).toMatchObject({ status: 'rejected', reason: { code, details: expect.stringMatching(details) } });
  expect(streams).toHaveLength(1);
  expect(reconcile).not.toHaveBeenCalled();
});

it('rejects a response over a separate RPC that is too large', async () => {
  const { calls, reconcile } = await serve(() => undefined);
  reconcile.mockReturnValue({ ...success, baseStatus: Buffer.alloc(5 * MiB) });
  const json = Buffer.alloc(300 * 1024);
  await expect(calls.reconcile({ base: { json } }, soon())).rejects.toMatchObject({
    code: grpc.status.RESOURCE_EXHAUSTED,
  });
});

function answerOf(size: number) {
  return { case: 'reconcile', value: { ...success, baseStatus: Buffer.alloc(size) } } as const;
}

/** Response whose answer ends within a field. */
function malformed(id: number): WorkResponse {
  const response = create(WorkResponseSchema, { id });
  response.$unknown = [{ no: 2, wireType: WireType.LengthDelimited, data: Uint8Array.from([3, 0x0a, 0x7f, 0x00]) }];
  return response;
}

it('rejects in-flight calls when the connection breaks or is closed', async () => {
  const broken = await serve((stream) => stream.on('data', () => broken.server.forceShutdown()));
  await expect(broken.calls.reconcile({}, soon())).rejects.toThrow(/UNAVAILABLE|CANCELLED/);

  const closed = await serve((stream) => stream.on('data', () => closed.ended.abort()));
  await expect(closed.calls.reconcile({}, soon())).rejects.toMatchObject({ code: grpc.status.CANCELLED });
  expect(closed.reconcile).not.toHaveBeenCalled();
});

it('sends a large request as a separate RPC', async () => {
  const { calls, reconcile, streams } = await serve(() => undefined);
  const json = Buffer.alloc(300 * 1024);
  await calls.reconcile({ base: { json } }, soon());
  await calls.reconcile({ extensions: { a: { json } } }, soon());
  expect(reconcile).toHaveBeenCalledTimes(2);
  const dependents = { a: { json } };
  await calls.reconcile({ dependents }, soon());
  expect(reconcile).toHaveBeenCalledTimes(3);
  expect(streams).toHaveLength(0);
});
