import type { EventEmitter } from 'node:events';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcHandlers,
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  RefusalReason,
  type Registration as RegistrationMessage,
  type RegistryService,
  serviceError,
} from '@kplug/protocol';
import { malformedPageToken } from '../paging/page-request.ts';
import type { ConnectionSecurity } from '../ports/connection.ts';
import type { Session } from '../registry/instance.ts';
import { publicInstanceMessage } from '../registry/instance-message.ts';
import { PluginList } from '../registry/plugin-list.ts';
import type { PluginWatches } from '../registry/plugin-watches.ts';
import type { RefusedClaims } from '../registry/recent-refusals.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Lease } from '../registry/registration.ts';
import { WatchRefused } from '../registry/watch.ts';
import { cutOff } from './cut-off.ts';
import type { Call } from './gate.ts';
import { hostOfPeer } from './host-of-peer.ts';
import { leaseMessage } from './lease-message.ts';
import { Registrar, type RegistrarParts } from './registrar.ts';
import { serveSession } from './serve-session.ts';

/** Receives heartbeats, for metrics. */
export interface HeartbeatObserver {
  received(way: 'session' | 'unary' | 'first-kplug'): void;
  /** @param claims what the client said about itself, valid or not. */
  refused(refusal: RefusedRegistration, claims: RefusedClaims): void;
}

/** Parts of the service of the heartbeat port. */
export interface RegistryServiceParts extends RegistrarParts {
  observer: HeartbeatObserver;
  watches: PluginWatches;
  /** Returns the connection over which a call came. */
  connectionOf: (call: PeerCall) => ConnectionSecurity;
  /** Called with the stream of each session and watch. */
  opened: (stream: EventEmitter) => void;
  /** Called with each call whose registration was accepted. */
  accepted: (call: PeerCall) => void;
}

/** Part of a call that names its peer. */
export type PeerCall = Pick<grpc.ServerUnaryCall<unknown, unknown>, 'getPeer' | 'metadata'>;

/** Handlers of `kplug.v1.RegistryService`. */
export function registryService(parts: RegistryServiceParts): GrpcHandlers<typeof RegistryService> {
  const { registry, gate, observer, watches } = parts;
  const registrar = new Registrar(parts);
  const callOf = (call: PeerCall): Call => ({ metadata: call.metadata, connection: parts.connectionOf(call) });
  const reported = async <T>(work: () => T | Promise<T>, claims: () => RefusedClaims): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RefusedRegistration) observer.refused(error, claims());
      throw error;
    }
  };
  const register = async (message: RegistrationMessage, call: PeerCall, session?: Session) => {
    const registered = await reported(
      () => registrar.register(message, callOf(call), () => hostOfPeer(call.getPeer()), session),
      () => claimsOf(message, call),
    );
    parts.accepted(call);
    return registered;
  };
  const answerTo = acceptances();
  const plugins = new PluginList(registry, publicInstanceMessage);

  return {
    session: (stream) => {
      parts.opened(stream);
      let claims: () => RefusedClaims;
      serveSession(stream, {
        registry,
        register: (message, session) => {
          claims = () => claimsOf(message, stream);
          return register(message, stream, session);
        },
        prove: (instanceId) => reported(() => gate.prove(callOf(stream), instanceId), claims),
        received: () => observer.received('session'),
      });
    },

    heartbeat: async ({ registration }, call): Promise<MessageInitShape<typeof HeartbeatResponseSchema>> => {
      if (!registration) throw serviceError(grpc.status.INVALID_ARGUMENT, 'the request has no registration');
      try {
        const { instance, secret } = await register(registration, call);
        const { lease, instanceId } = instance.registration;
        observer.received('unary');
        const drain = registry.isDrainRequested(instanceId);
        if (secret === undefined) return answerTo(lease, drain);
        return { answer: { case: 'lease', value: leaseMessage(lease, drain, secret) } };
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        return { answer: { case: 'refusal', value: { reason: error.reason, message: error.message } } };
      }
    },

    deregister: async ({ instanceId }, call) => {
      await orUnauthenticated(() => registrar.deregister(instanceId, callOf(call)));
      return {};
    },

    listPlugins: async (request, call) => {
      await orUnauthenticated(() => gate.proveReader(callOf(call)));
      const page = await plugins.read(request);
      if (!page) throw serviceError(grpc.status.INVALID_ARGUMENT, malformedPageToken);
      return page;
    },

    watchPlugins: (call) => {
      parts.opened(call);
      const ending = new AbortController();
      call.on('cancelled', () => ending.abort());
      const watch = async () => {
        await orUnauthenticated(() => gate.proveReader(callOf(call)));
        const reader = {
          peer: hostOfPeer(call.getPeer()),
          signal: ending.signal,
          isPublic: true,
          onCut: ({ message }: WatchRefused) => cutOff(call, message),
        };
        await sendAll(watches.open(call.request, reader), call, ending.signal);
      };
      watch().catch((error: unknown) => {
        const isRefused = error instanceof WatchRefused;
        call.emit('error', isRefused ? serviceError(grpc.status.RESOURCE_EXHAUSTED, error.message) : error);
      });
    },
  };
}

/** Sends responses at the pace of the client, one at a time, and ends the call after the last one. */
async function sendAll<T>(
  responses: AsyncIterable<T>,
  call: Pick<grpc.ServerWritableStream<unknown, T>, 'write' | 'end'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const response of responses) {
      // grpc-js would accept 16 messages of any size before it asks for a pause. It never calls back for a cancelled call.
      await new Promise<void>((resolve) => {
        call.write(response, () => resolve());
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    call.end();
  } catch (error) {
    // The call has ended with this error already.
    if (!(error instanceof WatchRefused)) throw error;
  }
}

function claimsOf(registration: RegistrationMessage, call: PeerCall): RefusedClaims {
  const { plugin, version, apis, address, instanceId } = registration;
  return {
    ...{ plugin, version, address, instanceId },
    apis: apis.map((api) => `${api.name}@${api.version}`),
    protocol: 'kplug.v1',
    peer: hostOfPeer(call.getPeer()),
  };
}

/** Turns a refusal into the status of a call whose response can't express it. */
async function orUnauthenticated<T>(prove: () => T | Promise<T>): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    const code = error.reason === RefusalReason.CAPACITY ? grpc.status.UNAVAILABLE : grpc.status.UNAUTHENTICATED;
    throw serviceError(code, error.message);
  }
}

/** Creates responses to accepted heartbeats. Nearly all are equal, so that the latest one is cached, with its bytes. */
function acceptances(): (lease: Lease, drain: boolean) => HeartbeatResponse {
  let latest: { lease: Lease; drain: boolean; response: HeartbeatResponse } | undefined;
  return (lease, drain) => {
    if (latest?.lease !== lease || latest.drain !== drain) {
      const value = leaseMessage(lease, drain);
      const response = create(HeartbeatResponseSchema, { answer: { case: 'lease', value } });
      latest = { lease, drain, response: Object.freeze(response) };
    }
    return latest.response;
  };
}
