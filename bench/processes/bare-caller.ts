import { create, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import { createGrpcClient, type GrpcClient, PluginService, ReconcileRequestSchema } from '@kplug/protocol';
import { serveCommands, usage } from './commands.ts';

const reconcilePath = '/kplug.v1.PluginService/Reconcile';
const whole = (bytes: Buffer) => bytes;

/** Target and content of calls. */
interface Target {
  client: GrpcClient<typeof PluginService>;
  request: { base: { json: Uint8Array } };
  /** Encoded request. */
  bytes: Buffer;
}

let target: Target | undefined;

/** Calls a plugin without an operator. */
const commands = {
  async connect({ address, resource }: { address: string; resource: Pick<Resource, 'metadata'> }): Promise<void> {
    const client = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
    const assignment = {
      delegation: 'tables',
      api: 'DatabaseTable',
      apiVersion: '1.0.0',
      reason: 'Preferred',
      message: 'Preferred 1.0.0 is preferred by the resource',
    };
    const json = new TextEncoder().encode(JSON.stringify(resource));
    const request = { base: { json }, assignment, context: { attempt: 1 } };
    const bytes = Buffer.from(toBinary(ReconcileRequestSchema, create(ReconcileRequestSchema, request)));
    target = { client, request, bytes };
    await client.getInfo({});
  },

  /** Makes calls, several concurrently. Returns the time in milliseconds. */
  async call({ way, count, atOnce }: { way: 'bytes' | 'messages'; count: number; atOnce: number }) {
    const { client, request, bytes } = connected();
    const callOnce = way === 'bytes' ? () => callWithBytes(client.$client, bytes) : () => client.reconcile(request);
    let left = count;
    const work = async () => {
      while (left-- > 0) await callOnce();
    };
    const before = usage();
    await Promise.all(Array.from({ length: atOnce }, work));
    const after = usage();
    return { time: after.at - before.at, cpu: after.cpu - before.cpu };
  },

  /** Watches the health of a server, and makes a call as soon as the watch breaks. Resolves when the watch has started. */
  async callWhenBroken(address: string): Promise<void> {
    const { client, bytes } = connected();
    const watched = new grpc.Client(address, grpc.credentials.createInsecure());
    const watch = watched.makeServerStreamRequest('/grpc.health.v1.Health/Watch', whole, whole, Buffer.alloc(0));
    watch.on('error', () => {
      watched.close();
      // Rejects only if this process exits before.
      callWithBytes(client.$client, bytes).catch(() => undefined);
    });
    await new Promise<void>((resolve) => watch.once('data', () => resolve()));
  },
};

export type BareCallerCommands = typeof commands;

serveCommands(commands);

function connected(): Target {
  if (!target) throw new Error('the caller was not connected');
  return target;
}

/** Makes a call with an encoded request, without decoding the response. */
function callWithBytes(client: grpc.Client, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(reconcilePath, whole, whole, bytes, (error) => (error ? reject(error) : resolve()));
  });
}
