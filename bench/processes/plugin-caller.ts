// Imports internal modules, as the package doesn't export its parts.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { openDirectory } from '@kplug/controller/directory';
import { assembleParts, type PluginCall } from '@kplug/controller/internal';
import { createToken } from '@kplug/controller/tools';
import { ReconcileRequestSchema } from '@kplug/protocol';
import { pino } from 'pino';
import { encodeCall } from '../../packages/controller/src/clients/v1/codec.ts';
import { serveCommands, usage } from './commands.ts';
import { apiVersion, calledPlugin, kind, tableManifest } from './tables.ts';

/** Address for heartbeats, and what a plugin needs to use it: none of it in plain text on the loopback interface. */
interface HeartbeatAccess {
  controller: string;
  token?: string;
  tlsCa?: string;
}

type Parts = ReturnType<typeof assembleParts>;

let parts: Parts | undefined;
/** Channel to the plugin with grpc-js alone. */
let bare: grpc.Client | undefined;

const timeout = 10_000;
const reconcilePath = '/kplug.v1.PluginService/Reconcile';
const whole = (bytes: Buffer) => bytes;

/** Part of an operator that receives heartbeats and calls plugins, without passes. */
const commands = {
  /** Starts. With `isSecured`, the heartbeat port is open to other machines: it demands TLS and tokens, and plugins are called by mTLS. */
  async start({ isSecured, folder }: { isSecured: boolean; folder: string }): Promise<HeartbeatAccess> {
    const logger = pino({ level: 'silent' });
    const resources = await openDirectory({ directory: folder, logger });
    const tokenFile = `${folder}-tokens.yaml`;
    const token = await createToken(tokenFile, { name: 'bench', plugins: [calledPlugin.name] });
    const heartbeatAddress = isSecured ? '0.0.0.0:0' : '127.0.0.1:0';
    const delegations = [{ name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' }];
    const options = { resources, delegations, heartbeatAddress, ...(isSecured && { security: { tokenFile } }) };
    parts = assembleParts(options, logger);
    await parts.security.start();
    await parts.heartbeats.listen(heartbeatAddress);
    const controller = `localhost:${parts.heartbeats.address.split(':').at(-1)}`;
    return isSecured ? { controller, token, tlsCa: join(folder, '.kplug', 'tls', 'ca.crt') } : { controller };
  },

  /** Resolves when the plugin is registered. */
  async awaitPlugin(): Promise<void> {
    const { registry, security } = started();
    while (registry.get(calledPlugin.instanceId)?.state !== 'live') await sleep(2);
    const registration = registry.get(calledPlugin.instanceId)?.registration;
    if (!registration) throw new Error('the plugin is gone');
    const { credentials, options } = security.channels.channelTo(registration);
    bare = new grpc.Client(registration.target ?? registration.address, credentials, options);
  },

  /** Calls the plugin for resources of their own, several concurrently. Returns the time and the CPU time in milliseconds. */
  async call({ way, count, atOnce }: { way: 'operator' | 'bytes'; count: number; atOnce: number }) {
    let left = count;
    const lanes = Array.from({ length: atOnce }, (_, index) => {
      const call = callFor(index);
      const bytes = encode(call);
      return async () => {
        while (left-- > 0) await (way === 'operator' ? callAsOperator(call) : callWithBytes(bytes));
      };
    });
    const before = usage();
    await Promise.all(lanes.map((lane) => lane()));
    const after = usage();
    return { time: after.at - before.at, cpu: after.cpu - before.cpu };
  },
};

export type PluginCallerCommands = typeof commands;

serveCommands(commands);

function started(): Parts {
  if (!parts) throw new Error('the operator was not started');
  return parts;
}

function callFor(index: number): PluginCall {
  const { metadata, ...manifest } = tableManifest(index, 0);
  return {
    base: {
      ...manifest,
      metadata: {
        ...metadata,
        namespace: 'default',
        uid: `9f3b7f0a-8f4c-4c39-9a53-${String(index).padStart(12, '0')}`,
        resourceVersion: '1',
        generation: 1,
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
    },
    extensions: new Map(),
    dependents: new Map(),
    required: new Map(),
    assignment: {
      delegation: 'tables',
      api: 'DatabaseTable',
      apiVersion: '1.0.0',
      reason: 'Preferred',
      message: 'Preferred 1.0.0 is preferred by the resource',
    },
    attempt: 1,
    maxStatusSize: 100_000,
    v0: { calls: 'createAlways', concurrency: 1 },
  };
}

async function callAsOperator(call: PluginCall): Promise<void> {
  const { caller, registry } = started();
  const [implementation] = registry.implementations('DatabaseTable');
  if (!implementation) throw new Error('the plugin is gone');
  await caller.reconcile(implementation, call, timeout);
}

function encode(call: PluginCall): Buffer {
  const request = create(ReconcileRequestSchema, encodeCall(call, Date.now() + timeout));
  return Buffer.from(toBinary(ReconcileRequestSchema, request));
}

/** Makes a call with an encoded request, without decoding the response. */
function callWithBytes(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    bare?.makeUnaryRequest(reconcilePath, whole, whole, bytes, (error) => (error ? reject(error) : resolve()));
  });
}
