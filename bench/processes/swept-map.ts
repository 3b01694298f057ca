import type { Registration } from '@kplug/protocol';

/** Simplest registry: a map with the last heartbeat of each instance, which is swept for expired ones. */
export class SweptMap {
  readonly #instances = new Map<string, { registration: Registration; expiresAt: number }>();
  readonly #onGone: () => void;

  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }

  register(registration: Registration, now: number): void {
    this.#instances.set(registration.instanceId, { registration, expiresAt: now + 15_000 });
  }

  renew(instanceId: string, now: number): void {
    const instance = this.#instances.get(instanceId);
    if (instance) instance.expiresAt = now + 15_000;
  }

  sweep(now: number): void {
    for (const [instanceId, { expiresAt }] of this.#instances) {
      if (expiresAt > now) continue;
      this.#instances.delete(instanceId);
      this.#onGone();
    }
  }
}
