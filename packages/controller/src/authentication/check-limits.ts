import { limits } from '../limits/limits.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import { BoundedMap } from './bounded-map.ts';
import { tryAgain } from './refusals.ts';

const { burst, refillInterval, peerBurst, peerRefillInterval, maxPeers } = limits.authentication;

/** Result of a check; `invalid` for refused credentials, `unavailable` if the check couldn't be made. */
type CheckResult = 'proven' | 'invalid' | 'unavailable';

interface Peer {
  bucket: TokenBucket;
  /** True if an identity was proven from there. */
  isKnown: boolean;
}

/**
 * Limits of the checks of unknown credentials: in all, and for each peer. A check is charged in advance and not counted when it succeeds,
 * so that only refused credentials use up the limits, and any number of honest plugins may start together. Peers that have proven an
 * identity have a limit of their own, which strangers can't use up.
 */
export class CheckLimits {
  readonly #strangers = new TokenBucket({ burst, interval: refillInterval });
  readonly #knownPeers = new TokenBucket({ burst, interval: refillInterval });
  readonly #peers = new BoundedMap<string, Peer>(maxPeers);

  /**
   * Charges a check. Throws `RefusedRegistration` with `CAPACITY` if there were too many. Returns a function to be called with the result.
   *
   * @param peer host of the caller; empty if it isn't known.
   */
  charge(peer: string): (result: CheckResult) => void {
    const own = peer === '' ? undefined : this.#peerOf(peer);
    if (own && !own.bucket.take()) throw tryAgain(`too many invalid tokens or certificates were sent from ${peer}`);
    const all = own?.isKnown ? this.#knownPeers : this.#strangers;
    if (!all.take()) {
      own?.bucket.giveBack();
      throw tryAgain('the operator is checking too many tokens and certificates');
    }
    return (result) => {
      if (own && result === 'proven') own.isKnown = true;
      if (result === 'invalid') return;
      own?.bucket.giveBack();
      all.giveBack();
    };
  }

  #peerOf(peer: string): Peer {
    const known = this.#peers.get(peer);
    if (known) return known;
    const added = { bucket: new TokenBucket({ burst: peerBurst, interval: peerRefillInterval }), isKnown: false };
    this.#peers.set(peer, added);
    return added;
  }
}
