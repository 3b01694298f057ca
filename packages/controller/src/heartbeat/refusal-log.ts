import { printable } from '@kplug/protocol';
import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import type { RefusedClaims } from '../registry/recent-refusals.ts';
import { nameOfRefusal, type RefusedRegistration } from '../registry/refusal.ts';

const { maxLoggedRefusals, maxLoggedRefusalsPerPeer, maxLoggedTextLength } = limits.heartbeat;

/**
 * Logs refused registrations: one line for each plugin and reason, as a refused plugin registers again and again. One host can't use up the
 * lines of the others.
 */
export class RefusalLog {
  readonly #log: Logger;
  readonly #logged = new Set<string>();
  readonly #byPeer = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param claims what the plugin says about itself, valid or not. */
  refused(
    { reason: code, message }: RefusedRegistration,
    { plugin, instanceId, peer }: Pick<RefusedClaims, 'plugin' | 'instanceId' | 'peer'>,
  ): void {
    const reason = nameOfRefusal(code);
    const name = printable(plugin, maxLoggedTextLength);
    const key = `${name}/${reason}`;
    const ofPeer = this.#byPeer.get(peer) ?? 0;
    if (this.#logged.has(key) || this.#logged.size === maxLoggedRefusals || ofPeer === maxLoggedRefusalsPerPeer) return;
    this.#logged.add(key);
    this.#byPeer.set(peer, ofPeer + 1);
    const details = { plugin: name, instance: printable(instanceId, maxLoggedTextLength), reason };
    const text = printable(message, maxLoggedTextLength);
    this.#log.warn(details, `refused the registration of ${name || 'a plugin without a name'}: ${text}`);
    if (ofPeer + 1 === maxLoggedRefusalsPerPeer)
      this.#log.warn(`${ofPeer + 1} refused registrations of ${peer} were logged; further ones are only counted`);
    if (this.#logged.size < maxLoggedRefusals) return;
    this.#log.warn(`${this.#logged.size} refused registrations were logged; further ones are only counted`);
  }
}
