import { SemVer } from 'semver';
import type { Clock } from './clock.ts';
import type { Registration } from './registration.ts';

/** A clock that stands until it is told to go on. */
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

  /** Goes on to a time, and rings every alarm at the time it is set for. */
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

  /** How many alarms are set. */
  get alarms(): number {
    return this.#alarms.size;
  }
}

/** A registration in which only what matters need be said. */
export function registrationOf(
  given: Partial<Registration> & { api?: string; apiVersion?: string } = {},
): Registration {
  const { api = 'Table', apiVersion = '1.0.0', ...fields } = given;
  return {
    plugin: 'PostgreSQL',
    version: '1.0.0',
    apis: [{ name: api, version: new SemVer(apiVersion), extensionKinds: [], capabilities: {} }],
    address: '10.0.0.1:7000',
    instanceId: 'one',
    protocol: 'kplug.v1',
    weight: 100,
    labels: {},
    lease: { interval: 5_000, ttl: 15_000 },
    ...fields,
  };
}
