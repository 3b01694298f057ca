import { printable, type RefusalReason } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { PluginName } from '../names.ts';
import { parseAddress } from './address.ts';
import type { RefusedRegistration } from './refusal.ts';
import type { Protocol, Registration } from './registration.ts';

const {
  maxRefusals,
  maxRefusalsPerPeer,
  refusalRetention,
  maxLoggedTextLength: maxMessageLength,
  maxRefusedTextLength,
  maxRefusedApis,
} = limits.heartbeat;

/** Claims of a refused client about itself, valid or not, and of any length. */
export interface RefusedClaims {
  plugin: string;
  version: string;
  /** Plugin APIs as `name@version`. */
  apis: readonly string[];
  address: string;
  /** Empty in the first Kplug's protocol. */
  instanceId: string;
  protocol: Protocol;
  /** Host from which the registration came. */
  peer: string;
}

/** A refusal, and the number of equal ones. Times in milliseconds since the epoch. */
export interface Refusal extends RefusedClaims {
  reason: RefusalReason;
  message: string;
  firstAt: number;
  lastAt: number;
  count: number;
}

/**
 * The latest refused registrations, in a bounded list. Equal ones are one entry. A client can fill only a part of the list. All texts are
 * shortened and printable, as anyone who reaches the port can choose them.
 */
export class RecentRefusals {
  readonly #now: () => number;
  /** The one that was repeated last comes last. */
  readonly #refusals = new Map<string, Refusal>();
  #dropped = 0;
  #revision = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Number of refusals that are no longer listed because there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Number of changes. */
  get revision(): number {
    return this.#revision;
  }

  record({ reason, message }: Pick<RefusedRegistration, 'reason' | 'message'>, claims: RefusedClaims): void {
    this.#revision++;
    const now = this.#now();
    const { peer, protocol } = claims;
    const said = {
      plugin: clean(claims.plugin),
      version: clean(claims.version),
      apis: claims.apis.slice(0, maxRefusedApis).map((api) => clean(api)),
      address: clean(claims.address),
      instanceId: clean(claims.instanceId),
    };
    // A process that restarts has another instance id.
    const { instanceId: _, ...lasting } = said;
    const key = JSON.stringify([lasting, peer, protocol, reason]);
    const known = this.#refusals.get(key);
    this.#refusals.delete(key);
    if (!known) this.#makeRoom(peer);
    this.#refusals.set(key, {
      ...said,
      peer,
      protocol,
      reason,
      message: clean(message, maxMessageLength),
      firstAt: known?.firstAt ?? now,
      lastAt: now,
      count: (known?.count ?? 0) + 1,
    });
  }

  /** Removes the refusals of a plugin on a host, once that plugin has been accepted from there. */
  accepted({ plugin, address }: Registration): void {
    const name = new PluginName(plugin);
    const host = parseAddress(address)?.host;
    for (const [key, refusal] of this.#refusals) {
      const isSameHost = refusal.peer === host || parseAddress(refusal.address)?.host === host;
      if (!isSameHost || !name.equals(new PluginName(refusal.plugin))) continue;
      this.#refusals.delete(key);
      this.#revision++;
    }
  }

  /** Returns the refusals of the last time, the latest first. */
  list(): Refusal[] {
    const oldest = this.#now() - refusalRetention;
    return [...this.#refusals.values()].filter(({ lastAt }) => lastAt >= oldest).reverse();
  }

  #makeRoom(peer: string): void {
    const ofPeer = [...this.#refusals].filter(([, refusal]) => refusal.peer === peer).map(([key]) => key);
    const isFull = this.#refusals.size >= maxRefusals;
    const [oldest] = ofPeer.length >= maxRefusalsPerPeer ? ofPeer : isFull ? this.#refusals.keys() : [];
    if (oldest === undefined) return;
    this.#refusals.delete(oldest);
    this.#dropped++;
  }
}

/** Makes a text printable, and shortens it. */
function clean(text: string, maxLength = maxRefusedTextLength): string {
  return printable(text, maxLength);
}
