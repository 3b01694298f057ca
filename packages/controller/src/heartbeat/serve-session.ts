import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type SessionRequest, type SessionResponseSchema, serviceError } from '@kplug/protocol';
import type { Proof } from '../authentication/authenticator.ts';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Session } from '../registry/instance.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Lease } from '../registry/registration.ts';
import type { Registry } from '../registry/registry.ts';
import { cutOff, resetUnread } from './cut-off.ts';
import { leaseMessage } from './lease-message.ts';
import type { Registered } from './registrar.ts';

/** Stream of a session. */
export type SessionStream = grpc.ServerDuplexStream<SessionRequest, MessageInitShape<typeof SessionResponseSchema>>;

/** Parts that serve a session. */
export interface SessionParts {
  registry: Registry;
  /** Proves the identity of the session again. Rejects with `RefusedRegistration`, which it has reported. */
  prove(instanceId: string): Promise<Proof>;
  /** Registers the instance of a message. Rejects with `RefusedRegistration`, which it has reported. */
  register(message: RegistrationOf<SessionRequest>, session: Session): Promise<Registered>;
  /** Reports a received message. */
  received(): void;
}

const { maxTimerDelay } = limits.queue;

type RegistrationOf<T extends SessionRequest> = Extract<T['message'], { case: 'registration' }>['value'];

/**
 * Serves a session. It is paused while an identity is checked, so that messages are handled in their order. The identity is checked again
 * when its proof ends, whatever the interval of heartbeats; an instance whose latest session no longer proves its identity is removed.
 */
export function serveSession(stream: SessionStream, { registry, prove, register, received }: SessionParts): void {
  let instanceId: string | undefined;
  let check: NodeJS.Timeout | undefined;
  let isOver = false;
  const answer = (lease: Lease, drain: boolean, secret?: string) => {
    // An honest plugin reads each answer when it comes.
    if (stream.writableLength >= limits.watches.maxUnreadAnswers) onUnread();
    else stream.write({ answer: { case: 'lease', value: leaseMessage(lease, drain, secret) } });
  };
  const session: Session = { notify: (lease, drain) => answer(lease, drain) };

  const onRegistration = async (message: RegistrationOf<SessionRequest>) => {
    const registered = await register(message, session);
    const { registration } = registered.instance;
    // The stream may have ended meanwhile.
    if (isOver) return registry.sessionEnded(registration.instanceId, session);
    if (instanceId && instanceId !== registration.instanceId) registry.sessionEnded(instanceId, session);
    instanceId = registration.instanceId;
    checkAt(registered.proof);
    answer(registration.lease, registry.isDrainRequested(instanceId), registered.secret);
  };

  const checkAt = ({ validUntil }: Proof) => {
    clearTimeout(check);
    const delay = Math.min(Math.max(0, validUntil - Date.now()), maxTimerDelay);
    if (!isOver && validUntil !== Number.POSITIVE_INFINITY)
      check = setTimeout(() => void handle(checkAgain()), delay).unref();
  };

  const checkAgain = async () => {
    if (!instanceId) return;
    try {
      checkAt(await prove(instanceId));
    } catch (error) {
      if (error instanceof RefusedRegistration) {
        registry.evict(instanceId, `its identity is no longer proven: ${error.message}`, session);
      }
      throw error;
    }
  };

  const handle = async (work: Promise<void>) => {
    stream.pause();
    try {
      await work;
    } catch (error) {
      if (isOver) return;
      if (!(error instanceof RefusedRegistration)) return fail(stream, grpc.status.INTERNAL, messageOf(error));
      stream.write({ answer: { case: 'refusal', value: { reason: error.reason, message: error.message } } });
      stream.end();
      resetUnread(stream);
    } finally {
      stream.resume();
    }
  };

  const onEnd = () => {
    isOver = true;
    clearTimeout(check);
    if (instanceId) registry.sessionEnded(instanceId, session);
    instanceId = undefined;
  };

  const onMessage = ({ message }: SessionRequest) => {
    received();
    if (message.case === 'registration') void handle(onRegistration(message.value));
    else if (!instanceId) fail(stream, grpc.status.FAILED_PRECONDITION, 'the first message must be a registration');
    // Its lease expired while the stream was stalled. It registers again on a new stream.
    else if (!registry.beat(instanceId)) fail(stream, grpc.status.NOT_FOUND, 'the lease expired; register again');
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

function fail(stream: SessionStream, code: grpc.status, details: string): void {
  stream.emit('error', serviceError(code, details));
}
