import { SemVer } from 'semver';
import type { Clock } from './clock.ts';
import type { Registration } from './registration.ts';

/** Clock that advances only on request. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const alarm = { at: this.#now + delay, callback };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Advances to a time and calls back each alarm at its time. */
  advanceTo(time: number): void {
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = time;
  }

  /** Number of pending alarms. */
  get alarms(): number {
    return this.#alarms.size;
  }
}

/** Registration with defaults for all fields that aren't given. */
export function registrationOf(
  given: Partial<Registration> & { api?: string; apiVersion?: string } = {},
): Registration {
  const { api = 'Table', apiVersion = '1.0.0', ...fields } = given;
  return {
    plugin: 'PostgreSQL',
    version: '1.0.0',
    apis: [{ name: api, version: new SemVer(apiVersion), extensionKinds: [], capabilities: {}, provides: [] }],
    address: '10.0.0.1:7000',
    instanceId: 'one',
    protocol: 'kplug.v1',
    weight: 100,
    labels: {},
    lease: { interval: 5_000, ttl: 15_000 },
    ...fields,
  };
}
