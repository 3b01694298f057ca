import { limits } from '../limits/limits.ts';
import type { ListedEvent } from './events.ts';
import type { PassRecord } from './pass-record.ts';

const { maxActivities } = limits.telemetry;

/** Something that happened. */
export type Activity = Happening & {
  /** Number that grows with each activity. */
  sequence: number;
  /** Time at which it happened, in milliseconds since the epoch. */
  at: number;
};

/** What happened: a pass ended, an Event was recorded, or the state of an instance changed. */
export type Happening =
  | { kind: 'pass'; pass: PassRecord }
  | { kind: 'event'; event: ListedEvent }
  | { kind: 'instance'; instance: InstanceTransition };

/** Change of an instance's state. */
export interface InstanceTransition {
  plugin: string;
  version: string;
  instanceId: string;
  /** Names of the plugin APIs that it serves. */
  apis: readonly string[];
  state: InstanceStateName;
  /** `undefined` for an instance that was added. */
  from: InstanceStateName | undefined;
  reason: string;
}

/** State of an instance, as in the registry. */
type InstanceStateName = 'live' | 'suspect' | 'draining' | 'gone';

/** Latest activities of all kinds, in a ring. */
export class Activities {
  readonly #ring: Activity[] = [];
  readonly #listeners = new Set<(activity: Activity) => void>();
  #sequence = 0;

  /** Calls `listener`, which must not throw, at each activity. Returns a function that unsubscribes. */
  subscribe(listener: (activity: Activity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(happening: Happening): void {
    const activity = { ...happening, sequence: ++this.#sequence, at: Date.now() };
    this.#ring[(activity.sequence - 1) % maxActivities] = activity;
    for (const listener of this.#listeners) listener(activity);
  }

  /** Returns the latest activities that match, oldest first. */
  latest(number: number, matches: (activity: Activity) => boolean): Activity[] {
    const found: Activity[] = [];
    for (let back = 1; back <= this.#ring.length && found.length < number; back++) {
      const activity = this.#ring[(this.#sequence - back) % maxActivities];
      if (activity && matches(activity)) found.push(activity);
    }
    return found.reverse();
  }
}
