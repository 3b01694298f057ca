import type { Metadata } from '@grpc/grpc-js';
import { RefusalReason } from '@kplug/protocol';
import type { Attachments } from '../attachments/attachments.ts';
import type { Authenticator, Proof } from '../authentication/authenticator.ts';
import { limits } from '../limits/limits.ts';
import type { ConnectionSecurity } from '../ports/connection.ts';
import type { Claim } from '../registry/claim.ts';
import type { Identity } from '../registry/identity.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Reservations } from '../registry/reservations.ts';
import { bearerOf } from './bearer.ts';

/**
 * Security of the heartbeat port.
 *
 * - `loopback`: the port is on the loopback interface. Plugins need no token; an instance belongs to the process that knows its secret.
 * - `secured`: TLS, and a proven identity.
 * - `insecure`: TLS and identities are optional.
 */
export type HeartbeatSecurity = 'loopback' | 'secured' | 'insecure';

/** Parts of a call that identify its caller. */
export interface Call {
  metadata: Metadata;
  connection: ConnectionSecurity;
}

/** Options of a `Gate`. */
export interface GateOptions {
  security: HeartbeatSecurity;
  /** Proves identities. Default: none, so that only `loopback` and `insecure` accept plugins. */
  authenticator?: Authenticator;
  reservations: Reservations;
  /** Attachments, whose plugins prove themselves by their tokens. Default: none. */
  attachments?: Attachments | undefined;
}

/** Identifies the callers of the heartbeat port. */
export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /**
   * Identifies the caller for an instance id. Returns a promise only if a check needs I/O. Throws, or rejects with,
   * `RefusedRegistration`.
   */
  prove(call: Call, instanceId: string): Proof | Promise<Proof> {
    const token = bearerOf(call.metadata);
    const { reservations, security } = this.#options;
    if (reservations.check(instanceId, token)) return lasting({ kind: 'folder', name: instanceId });
    if (call.connection.isPrivate) throw unauthenticated(privatePort);
    if (security === 'secured' && !call.connection.encrypted) throw unauthenticated(needsTls);
    const attached = this.#options.attachments?.check(instanceId, token);
    if (attached) return lasting(attached);
    return this.#proveCredentials(call, token);
  }

  /** Identifies the caller of a call that concerns no instance, such as a list. */
  proveReader(call: Call): Proof | Promise<Proof> {
    return this.prove(call, '');
  }

  #proveCredentials({ connection }: Call, token: string | undefined): Proof | Promise<Proof> {
    const { security, authenticator } = this.#options;
    const { certificate, intermediates } = connection;
    // Without credentials, its refusal names those that it accepts.
    if (authenticator && (security === 'secured' || token !== undefined || certificate)) {
      const credentials = {
        ...(token !== undefined && { token }),
        ...(certificate && { certificate }),
        ...(intermediates && { intermediates }),
      };
      return authenticator.recall(credentials) ?? authenticator.authenticate(credentials, connection.peer);
    }
    // A token that can't be verified is refused even where none is needed: the plugin relies on it.
    if (token !== undefined) throw unauthenticated(unknownToken);
    if (security === 'secured') throw unauthenticated(needsIdentities);
    return lasting({ kind: security === 'loopback' ? 'loopback' : 'anonymous' });
  }
}

/** Reads the secret that a call brings for its instance. Throws `RefusedRegistration`. */
export function claimOf({ identity }: Proof, { metadata }: Pick<Call, 'metadata'>): Claim {
  const [secret] = metadata.get('kplug-secret');
  if (secret === undefined) return { identity };
  const { minSecretLength, maxSecretLength } = limits.registry;
  if (secret.length < minSecretLength || secret.length > maxSecretLength) {
    throw new RefusedRegistration(
      RefusalReason.INVALID,
      `the metadata "kplug-secret" has ${secret.length} characters; it must have ${minSecretLength} to ${maxSecretLength}, from a random generator`,
    );
  }
  return { identity, secret: String(secret) };
}

function lasting(identity: Identity): Proof {
  return { identity, validUntil: Number.POSITIVE_INFINITY };
}

function unauthenticated(message: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.UNAUTHENTICATED, message);
}

const privatePort =
  'this port is for the processes that the controller starts from its plugins folder; send heartbeats to its public address';

const needsTls =
  'the connection is in plain text, and this operator requires TLS; set KPLUG_TLS_CA to the file with its CA certificate';

const needsIdentities =
  'this operator has no means to verify an identity; start it with --heartbeat-tokens, an OIDC issuer or client certificates';

const unknownToken =
  'the token of the instance is unknown: the controller issues tokens only to the processes of its plugins folder, with their ' +
  'instance ids (KPLUG_INSTANCE_ID); unset KPLUG_TOKEN for a plugin that was started otherwise';
