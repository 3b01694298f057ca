import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { RefusalReason } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { RefusedRegistration } from './refusal.ts';

/** Prefix of the instance ids of processes that the controller started. */
const prefix = 'folder/';

/** Instance id reserved for one process, and the token that proves it. */
export interface Reservation {
  instanceId: string;
  /** Secret of this process. */
  token: string;
}

/** Reports whether an instance id belongs to a process that a controller started, this one or another. */
export function isHostedId(instanceId: string): boolean {
  return instanceId.startsWith(prefix);
}

/** Instance ids of the processes that the controller started, and the tokens that authenticate them. */
export class Reservations {
  readonly #digests = new Map<string, Buffer>();

  /** Reserves an id for a new process. `name` is part of the id, for people. */
  reserve(name: string): Reservation {
    const instanceId = `${prefix}${name.slice(0, limits.registry.maxHostedNameLength)}/${randomUUID().slice(0, 8)}`;
    const token = randomBytes(32).toString('base64url');
    this.#digests.set(instanceId, digestOf(token));
    return { instanceId, token };
  }

  /** Revokes the token of a process that has ended. */
  release(instanceId: string): void {
    this.#digests.delete(instanceId);
  }

  /**
   * Reports whether a caller is the process that an instance id is reserved for. Throws `RefusedRegistration` for a reserved id without
   * its token.
   *
   * @param token bearer token of the call, if any.
   */
  check(instanceId: string, token: string | undefined): boolean {
    if (!isHostedId(instanceId)) return false;
    if (token === undefined) {
      throw refused(
        `instance id "${instanceId}" is reserved for a process that the controller starts from its plugins folder, and the ` +
          'call has no token; send KPLUG_TOKEN as metadata "authorization: Bearer TOKEN", or leave KPLUG_INSTANCE_ID to the SDK',
      );
    }
    const digest = this.#digests.get(instanceId);
    if (digest && timingSafeEqual(digest, digestOf(token))) return true;
    throw refused(
      `the token doesn't belong to the instance "${instanceId}", which may have been replaced or ended; send the KPLUG_TOKEN that the process was started with`,
    );
  }
}

/** Digest of a token: of equal length for all tokens, so that comparing takes constant time. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function refused(message: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.UNAUTHENTICATED, message);
}
