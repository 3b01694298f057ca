import { create } from '@bufbuild/protobuf';
import { type WatchActivityResponse, WatchActivityResponseSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { pause } from '../queue/pause.ts';
import { OpenWatches } from '../registry/open-watches.ts';
import { Watch, type WatchReader } from '../registry/watch.ts';
import type { Activities, Activity } from '../telemetry/activities.ts';
import { describeActivity } from './describe-activity.ts';

const { maxActivityWatches, maxActivityWatchesPerPeer, maxActivityBacklog, maxRecentActivities } = limits.admin;
const { activityInterval, maxActivitiesPerInterval, minActivitiesPerInterval } = limits.admin;

/** Activities that a reader wants. */
export interface ActivityWish {
  matches: (activity: Activity) => boolean;
  /** Number of latest activities with which the watch begins. */
  recent: number;
}

/**
 * All watches of activities. Their number is limited, and so is the rate at which they are sent: activities that are too many for a reader, or
 * for all readers, are left out, and their number is sent instead. They cost little more than nothing while nobody watches.
 */
export class ActivityWatches {
  readonly #activities: Activities;
  readonly #open: OpenWatches<ActivityWatch>;

  constructor(activities: Activities) {
    this.#activities = activities;
    this.#open = new OpenWatches({
      max: maxActivityWatches,
      maxPerPeer: maxActivityWatchesPerPeer,
      advice: '',
      begin: () => activities.subscribe((activity) => this.#onActivity(activity)),
    });
  }

  /** Number of open watches. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a watch: it yields the latest activities, `synced`, and then each activity or the number of those that were left out, until the signal
   * is aborted. Throws `WatchRefused` when there are too many; the watch itself throws it when its reader reads nothing.
   */
  open({ matches, recent }: ActivityWish, reader: WatchReader): AsyncGenerator<WatchActivityResponse> {
    const watch = new ActivityWatch(matches, reader);
    this.#open.add(watch);
    return this.#read(watch, this.#activities.latest(Math.min(recent, maxRecentActivities), matches));
  }

  async *#read(watch: ActivityWatch, latest: readonly Activity[]): AsyncGenerator<WatchActivityResponse> {
    const { signal } = watch.reader;
    try {
      for (const activity of latest) yield* watch.handOver(messageOf(activity));
      yield* watch.handOver(synced);
      while (!signal.aborted) {
        const { leftOut, activities } = watch.take(this.#batchSize);
        if (leftOut > 0) yield* watch.handOver(leftOutOf(leftOut));
        for (const activity of activities) yield* watch.handOver(messageOf(activity));
        if (activities.length > 0) await pause(activityInterval, signal);
        else await watch.change();
      }
    } finally {
      this.#open.close(watch);
    }
  }

  /** Number of activities that a reader gets in an interval. */
  get #batchSize(): number {
    return Math.max(minActivitiesPerInterval, Math.floor(maxActivitiesPerInterval / Math.max(1, this.#open.size)));
  }

  #onActivity(activity: Activity): void {
    for (const watch of this.#open) if (!watch.isCut && watch.matches(activity)) watch.add(activity);
  }
}

class ActivityWatch extends Watch<WatchActivityResponse> {
  readonly matches: (activity: Activity) => boolean;
  /** Activities that wait for the reader, oldest first. */
  #waiting: Activity[] = [];
  /** Number of older ones that are left out. */
  #leftOut = 0;
  #isWakeDue = false;

  constructor(matches: (activity: Activity) => boolean, reader: WatchReader) {
    super(reader);
    this.matches = matches;
  }

  /** Adds an activity, which the reader gets with those of the same iteration of the event loop. */
  add(activity: Activity): void {
    this.#waiting.push(activity);
    // Older ones are dropped many at a time, as each time moves the others.
    if (this.#waiting.length >= 2 * maxActivityBacklog) this.#leaveOut();
    if (this.#isWakeDue) return;
    this.#isWakeDue = true;
    setImmediate(() => {
      this.#isWakeDue = false;
      this.wake();
    });
  }

  /** Removes and returns the oldest activities that wait, and the number of those that were left out before them. */
  take(number: number): { leftOut: number; activities: Activity[] } {
    this.#leaveOut();
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return { leftOut, activities: this.#waiting.splice(0, number) };
  }

  override clear(): void {
    this.#waiting = [];
    this.#leftOut = 0;
  }

  #leaveOut(): void {
    const excess = this.#waiting.length - maxActivityBacklog;
    if (excess <= 0) return;
    this.#waiting.splice(0, excess);
    this.#leftOut += excess;
  }
}

const synced = Object.freeze(create(WatchActivityResponseSchema, { event: { case: 'synced', value: {} } }));

function leftOutOf(number: number): WatchActivityResponse {
  return create(WatchActivityResponseSchema, { event: { case: 'leftOut', value: number } });
}

function messageOf(activity: Activity): WatchActivityResponse {
  return create(WatchActivityResponseSchema, { event: { case: 'activity', value: describeActivity(activity) } });
}
