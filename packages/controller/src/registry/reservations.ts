import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { RefusalReason } from '@kplug/protocol';
import { RefusedRegistration } from './refusal.ts';

/** What every instance id begins with that is of a process which the controller has started itself. */
const prefix = 'folder/';

/** The longest name of a process in its instance id; ids have 128 characters at the most. */
const longestName = 64;

/** An instance id that nobody else may use, and what proves it. */
export interface Reservation {
  instanceId: string;
  /** Secret, and of this one process. */
  token: string;
}

/** Whether an instance id is of a process which a controller has started itself, if perhaps not this one. */
export function isHostedId(instanceId: string): boolean {
  return instanceId.startsWith(prefix);
}

/** The instance ids of the processes that the controller has started itself, and the tokens by which they prove themselves. */
export class Reservations {
  readonly #digests = new Map<string, Buffer>();

  /** Reserves an id for a new process. `name` is for people. */
  reserve(name: string): Reservation {
    const instanceId = `${prefix}${name.slice(0, longestName)}/${randomUUID().slice(0, 8)}`;
    const token = randomBytes(32).toString('base64url');
    this.#digests.set(instanceId, digestOf(token));
    return { instanceId, token };
  }

  /** The process has ended: its token proves nothing any more. */
  release(instanceId: string): void {
    this.#digests.delete(instanceId);
  }

  /**
   * Checks the token that somebody brought, if any, who speaks for an instance. Returns whether it is a process that this
   * controller started. Throws `RefusedRegistration` when a reserved id comes without its token, or a token without its id.
   */
  check(instanceId: string, token: string | undefined): boolean {
    const digest = this.#digests.get(instanceId);
    if (token === undefined) {
      if (!isHostedId(instanceId)) return false;
      throw refused(
        `instance id "${instanceId}" is reserved for a process that the controller starts from its plugins folder, and no ` +
          'token came with it; send KPLUG_TOKEN as metadata "authorization: Bearer TOKEN", or leave KPLUG_INSTANCE_ID to the SDK',
      );
    }
    if (digest && timingSafeEqual(digest, digestOf(token))) return true;
    throw refused(
      digest || isHostedId(instanceId)
        ? `the token is not that of the instance "${instanceId}", which may have been replaced or ended; send the KPLUG_TOKEN that the process was started with`
        : `the token of the instance "${instanceId}" is not known here: the controller gives tokens only to the processes of its ` +
            'plugins folder, with their instance ids (KPLUG_INSTANCE_ID); unset KPLUG_TOKEN for a plugin that was started otherwise',
    );
  }
}

/** Of the same length for every token, so that comparing takes the same time. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function refused(message: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.UNAUTHENTICATED, message);
}
