import * as grpc from '@grpc/grpc-js';
import { addService, createGrpcClient, type GrpcHandlers, Outcome, PluginService } from '@kplug/protocol';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PluginCalls } from './calls.ts';

type Handlers = GrpcHandlers<typeof PluginService>;
type Stream = Parameters<Handlers['work']>[0];

const success = { outcome: Outcome.SUCCESS };
const soon = () => Date.now() + 10_000;

/** Serves a plugin with the given `Work` handler, and counts the calls that arrive as separate RPCs. */
async function serve(work: (stream: Stream) => void) {
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
  const plugin = createGrpcClient(PluginService, `127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const ended = new AbortController();
  const calls = new PluginCalls(plugin, ended.signal);
  calls.useStream();
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

it.each([
  ['ends the stream', (stream: Stream) => stream.end()],
  ['sends a response that is too large', (stream: Stream) => stream.write({ id: 1, answer: tooMuch })],
  ['fails', (stream: Stream) => stream.emit('error', { code: grpc.status.INTERNAL, details: 'broken' })],
])('repeats in-flight calls as separate RPCs when the plugin %s', async (_, end) => {
  const { calls, reconcile, streams } = await serve((stream) => {
    let received = 0;
    stream.on('data', () => {
      received++;
      if (received === 2) end(stream);
    });
  });
  const both = await Promise.all([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
  expect(both).toMatchObject([success, success]);
  expect(reconcile).toHaveBeenCalledTimes(2);

  await Promise.all([calls.reconcile({}, soon()), calls.reconcile({}, soon())]);
  expect(streams).toHaveLength(2);
});

const tooMuch = { case: 'reconcile', value: { baseStatus: Buffer.alloc(5 * 1024 * 1024) } } as const;

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
  expect(streams).toHaveLength(0);
});
