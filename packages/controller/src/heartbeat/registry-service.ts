import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcHandlers,
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  type LeaseSchema,
  type Registration as RegistrationMessage,
  type RegistryService,
  type SessionRequest,
  type SessionResponseSchema,
  serviceError,
} from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { malformedPageToken } from '../paging/page-request.ts';
import type { Instance, Session } from '../registry/instance.ts';
import { PluginList } from '../registry/plugin-list.ts';
import { type PluginWatches, WatchRefused } from '../registry/plugin-watches.ts';
import { isUnchanged, type RegistrationReader } from '../registry/read-registration.ts';
import type { RefusedClaims } from '../registry/recent-refusals.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Lease } from '../registry/registration.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import { bearerOf } from './bearer.ts';
import { cutOff } from './cut-off.ts';
import { hostOfPeer } from './host-of-peer.ts';

/** Receives heartbeats, for metrics. */
export interface HeartbeatObserver {
  received(way: 'session' | 'unary' | 'first-kplug'): void;
  /** @param claims what the client said about itself, valid or not. */
  refused(refusal: RefusedRegistration, claims: RefusedClaims): void;
}

/** Parts of a call that identify its caller. */
type Caller = Pick<grpc.ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPeer'>;

type SessionStream = grpc.ServerDuplexStream<SessionRequest, MessageInitShape<typeof SessionResponseSchema>>;

/** Handlers of `kplug.v1.RegistryService`. */
export function registryService(
  registry: Registry,
  reader: RegistrationReader,
  observer: HeartbeatObserver,
  reservations: Reservations,
  watches: PluginWatches,
): GrpcHandlers<typeof RegistryService> {
  // `getPeer` is slow in grpc-js, so that heartbeats with an unchanged registration don't call it.
  const register = (message: RegistrationMessage | undefined, call: Caller, session?: Session): Instance => {
    if (!message) throw serviceError(grpc.status.INVALID_ARGUMENT, 'the request has no registration');
    const isHosted = reservations.check(message.instanceId, bearerOf(call.metadata));
    const known = registry.get(message.instanceId);
    const isSame = known && isUnchanged(message, known.registration);
    if (isSame) return registry.register(known.registration, session);
    const peer = hostOfPeer(call.getPeer());
    // The processes that the controller starts itself don't count against the host.
    return registry.register(reader.read(message, peer, isHosted), session, isHosted ? '' : peer);
  };
  const answerTo = acceptances();
  const plugins = new PluginList(registry);

  return {
    session: (stream) => serveSession(stream, registry, register, observer),

    heartbeat: ({ registration }, call): MessageInitShape<typeof HeartbeatResponseSchema> => {
      try {
        const { registration: known } = register(registration, call);
        observer.received('unary');
        return answerTo(known.lease, registry.isDrainRequested(known.instanceId));
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        if (registration) observer.refused(error, claimsOf(registration, call));
        return { answer: { case: 'refusal', value: { reason: error.reason, message: error.message } } };
      }
    },

    deregister: ({ instanceId }, { metadata }) => {
      authenticate(instanceId, metadata, reservations);
      registry.deregister(instanceId);
      return {};
    },

    listPlugins: async (request) => {
      const page = await plugins.read(request);
      if (!page) throw serviceError(grpc.status.INVALID_ARGUMENT, malformedPageToken);
      return page;
    },

    watchPlugins: (call) => {
      const ending = new AbortController();
      call.on('cancelled', () => ending.abort());
      try {
        const reader = {
          peer: hostOfPeer(call.getPeer()),
          signal: ending.signal,
          onCut: ({ message }: WatchRefused) => cutOff(call, message),
        };
        void sendAll(watches.open(call.request, reader), call, ending.signal);
      } catch (error) {
        if (!(error instanceof WatchRefused)) throw error;
        call.emit('error', serviceError(grpc.status.RESOURCE_EXHAUSTED, error.message));
      }
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

function serveSession(
  stream: SessionStream,
  registry: Registry,
  register: (message: RegistrationMessage, call: Caller, session: Session) => Instance,
  observer: HeartbeatObserver,
): void {
  let instanceId: string | undefined;
  const session: Session = {
    notify: (lease, drain) => {
      // An honest plugin reads each answer when it comes.
      if (stream.writableLength >= limits.watches.maxUnreadAnswers) onUnread();
      else stream.write({ answer: { case: 'lease', value: leaseMessage(lease, drain) } });
    },
  };

  const onRegistration = (message: RegistrationMessage) => {
    try {
      const { registration } = register(message, stream, session);
      if (instanceId && instanceId !== registration.instanceId) registry.sessionEnded(instanceId, session);
      instanceId = registration.instanceId;
      session.notify(registration.lease, registry.isDrainRequested(instanceId));
    } catch (error) {
      if (!(error instanceof RefusedRegistration)) throw error;
      observer.refused(error, claimsOf(message, stream));
      stream.write({ answer: { case: 'refusal', value: { reason: error.reason, message: error.message } } });
      stream.end();
    }
  };

  const onMessage = ({ message }: SessionRequest) => {
    observer.received('session');
    if (message.case === 'registration') onRegistration(message.value);
    else if (!instanceId) fail(stream, grpc.status.FAILED_PRECONDITION, 'the first message must be a registration');
    // Its lease expired while the stream was stalled. It registers again on a new stream.
    else if (!registry.beat(instanceId)) fail(stream, grpc.status.NOT_FOUND, 'the lease expired; register again');
  };

  const onEnd = () => {
    if (instanceId) registry.sessionEnded(instanceId, session);
    instanceId = undefined;
  };

  const onUnread = () => {
    stream.off('data', onMessage);
    // Messages that follow are dropped.
    stream.resume();
    onEnd();
    cutOff(stream, unreadAnswers);
  };

  stream.on('data', onMessage);
  stream.on('end', () => {
    onEnd();
    stream.end();
  });
  stream.on('cancelled', onEnd);
  stream.on('error', onEnd);
}

const unreadAnswers = `${limits.watches.maxUnreadAnswers} answers of the session wait to be read; read them as they come, and open another session`;

function claimsOf(registration: RegistrationMessage, call: Caller): RefusedClaims {
  const { plugin, version, apis, address, instanceId } = registration;
  return {
    ...{ plugin, version, address, instanceId },
    apis: apis.map((api) => `${api.name}@${api.version}`),
    protocol: 'kplug.v1',
    peer: hostOfPeer(call.getPeer()),
  };
}

/** Verifies that a caller may act for an instance: for a process that the controller started, only that process may. */
function authenticate(instanceId: string, metadata: grpc.Metadata, reservations: Reservations): void {
  try {
    reservations.check(instanceId, bearerOf(metadata));
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    throw serviceError(grpc.status.UNAUTHENTICATED, error.message);
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

function leaseMessage({ interval, ttl }: Lease, drain: boolean): MessageInitShape<typeof LeaseSchema> {
  return { interval: durationFromMs(interval), ttl: durationFromMs(ttl), drain };
}

function fail(stream: SessionStream, code: grpc.status, details: string): void {
  stream.emit('error', serviceError(code, details));
}
