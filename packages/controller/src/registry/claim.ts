import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Identity, ownerOf, processOf } from './identity.ts';

/** Claim to an instance id: the proven identity of a caller, and the secret that it brought. */
export interface Claim {
  identity: Identity;
  /** Secret of the process. Needed where several processes can prove the same identity. */
  secret?: string;
}

/** Claim of a caller that proves nothing. A controller accepts it only if it allows insecure plugins. */
export const unproven: Claim = { identity: { kind: 'anonymous' } };

/** Owner of an instance id: the process that registered it. */
export class InstanceOwner {
  #identity: Identity;
  #secret: Buffer | undefined;

  constructor({ identity, secret }: Claim) {
    this.#identity = identity;
    this.#secret = secret === undefined ? undefined : digestOf(secret);
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Takes over what a claim of the same process proves anew: a newer token, and the secret of one that had none. */
  adopt({ identity, secret }: Claim): void {
    this.#identity = identity;
    this.#secret ??= secret === undefined ? undefined : digestOf(secret);
  }

  /** Creates the secret of a process that brought none and needs one; it is returned once and only its digest is kept. */
  issueSecret(): string | undefined {
    if (this.#secret || processOf(this.#identity) !== undefined) return undefined;
    const secret = randomBytes(32).toString('base64url');
    this.#secret = digestOf(secret);
    return secret;
  }

  /** Reports whether a claim is that of the same process. */
  isSame({ identity, secret }: Claim): boolean {
    if (ownerOf(identity) !== ownerOf(this.#identity)) return false;
    const process = processOf(this.#identity);
    if (process !== undefined) return process === processOf(identity);
    if (!this.#secret) return true;
    return secret !== undefined && timingSafeEqual(this.#secret, digestOf(secret));
  }
}

/** Digest of a secret: of equal length for all secrets, so that a comparison takes constant time. */
function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
