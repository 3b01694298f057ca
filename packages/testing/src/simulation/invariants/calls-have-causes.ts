import { keyOf, parseKey, type ResourceChange, type ResourceKey } from '@kplug/controller';
import type { Delegation } from '@kplug/controller/internal';
import type { CallRecord, Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { tables } from '../kinds.ts';
import { times } from '../scenario.ts';
import type { World } from '../world.ts';

/** Calls of one controller for one resource since their last cause. */
interface Track {
  delegation: Delegation | undefined;
  /** Last calls, by plugin. Several with mode `all`. */
  last: Map<string, CallRecord>;
  failures: number;
  /**
   * Number of calls that changes are a reason for. A change of an extension or of a plugin may come between the start of a pass and its
   * call, and is then a reason for another call.
   */
  allowance: number;
  /** Reports whether something has changed that is a reason for another call after a failure. */
  hasCauseToRetry: boolean;
}

/** Tolerance for rounding, in milliseconds. */
const tolerance = 2;

/** Calls come from changes, or after their delay. */
export class CallsHaveCauses implements Invariant {
  readonly name = 'calls-have-causes';
  readonly sentence =
    'Without a change of the resource, its extensions or the choice, the next call comes after the delay that the plugin requested, ' +
    'the back-off or the resync. A failed write is no reason for another call.';
  readonly #tracks = new Map<string, Track>();
  readonly #haveFailedWrites = new Set<string>();

  observe(happening: Happening, world: World): string | undefined {
    switch (happening.type) {
      case 'change':
        this.#onChange(happening.controller, happening.change);
        return undefined;
      case 'instance':
        this.#onInstance(happening.controller, happening.plugin, world.scenario.declaration.mode === 'all');
        return undefined;
      case 'controller':
        if (happening.state === 'delegation changed') this.#allow(happening.controller, 2);
        return undefined;
      case 'write failed':
        this.#haveFailedWrites.add(happening.controller);
        return undefined;
      case 'write':
        // Resources that failed are retried when writes succeed again.
        if (this.#haveFailedWrites.delete(happening.write.controller)) this.#markToRetry(happening.write.controller);
        return undefined;
      case 'call started':
        return this.#onCall(happening.call, world);
      case 'call ended':
        this.#onEnded(happening.call);
        return undefined;
      default:
        return undefined;
    }
  }

  #onChange(controller: string, change: ResourceChange): void {
    if (!isSubstantial(change)) return;
    if (change.resource.kind === tables.kind) this.#allow(controller, 1, keyOf(change.resource));
    // An extension or a dependent may be that of any table.
    else this.#allow(controller, 2);
  }

  /** An instance of the plugin that was called last is a reason for another call; one of another plugin only after a failure. */
  #onInstance(controller: string, plugin: string, isForAll: boolean): void {
    for (const [id, track] of this.#tracks) {
      if (!id.startsWith(`${controller} `)) continue;
      track.hasCauseToRetry = true;
      if (isForAll || track.last.has(plugin.toLowerCase())) track.allowance = Math.max(track.allowance, 2);
    }
  }

  #allow(controller: string, calls: number, key?: ResourceKey): void {
    for (const [id, track] of this.#tracks) {
      const isMeant = key === undefined ? id.startsWith(`${controller} `) : id === `${controller} ${key}`;
      if (isMeant) track.allowance = Math.max(track.allowance, calls);
    }
  }

  #markToRetry(controller: string): void {
    for (const [id, track] of this.#tracks) if (id.startsWith(`${controller} `)) track.hasCauseToRetry = true;
  }

  #onCall(call: CallRecord, world: World): string | undefined {
    const { scenario } = world;
    const id = `${call.controller} ${call.key}`;
    const delegation = world.controller(call.controller)?.delegation;
    const known = this.#tracks.get(id);
    // A delegation that replaces another one has no knowledge of earlier calls.
    const track =
      known?.delegation === delegation && known
        ? known
        : { delegation, last: new Map(), failures: 0, allowance: 2, hasCauseToRetry: false };
    this.#tracks.set(id, track);
    const plugin = call.plugin.toLowerCase();
    const violation = this.#isAllowed(track, call) ? undefined : this.#describe(track, call);
    if (violation) return violation;
    const isOther = track.last.get(plugin)?.version !== call.version;
    if (track.allowance > 0 || (isOther && scenario.declaration.mode === 'one')) {
      track.failures = 0;
      track.last.clear();
    }
    track.allowance = Math.max(call.isOutdated ? 1 : 0, track.allowance - 1);
    track.hasCauseToRetry = false;
    track.last.set(plugin, call);
    return undefined;
  }

  #onEnded(call: CallRecord): void {
    const track = this.#tracks.get(`${call.controller} ${call.key}`);
    if (!track || track.last.get(call.plugin.toLowerCase()) !== call) return;
    const isFirstFailure = [...track.last.values()].every((one) => one === call || one.outcome !== 'error');
    if (call.outcome !== 'success' && isFirstFailure) track.failures++;
  }

  #isAllowed({ last, failures, allowance, hasCauseToRetry }: Track, call: CallRecord): boolean {
    const calls = [...last.values()];
    const former = last.get(call.plugin.toLowerCase());
    if (allowance > 0 || former?.version !== call.version) return true;
    if (calls.some(({ endedAt }) => endedAt === undefined)) return true;
    const failed = calls.filter(({ outcome }) => outcome !== 'success');
    if (failed.length > 0 && hasCauseToRetry) return true;
    const ended = Math.max(...calls.map(({ endedAt = 0 }) => endedAt));
    const delay = Math.min(...(failed.length > 0 ? failed : calls).map((one) => delayAfter(one, failures)));
    return call.startedAt - ended >= delay - tolerance;
  }

  #describe({ last, failures }: Track, call: CallRecord): string {
    const former = last.get(call.plugin.toLowerCase());
    const since = call.startedAt - (former?.endedAt ?? 0);
    const outcome = `call ${former?.id} (${former?.outcome}${failures > 0 ? `, ${failures} failures` : ''})`;
    return `call ${call.id} for ${short(call.key)} started ${since} ms after ${outcome} without a cause`;
  }
}

/** Shortest delay before the next call, in milliseconds. */
function delayAfter({ outcome, requestedAfter }: CallRecord, failures: number): number {
  if (outcome === 'terminal') return 0.9 * times.resync;
  if (requestedAfter !== undefined) return Math.max(requestedAfter, times.minRequeueInterval);
  if (outcome === 'success') return 0.9 * times.resync;
  const { initial, max } = times.backOff;
  return Math.min(max, initial * 2 ** (Math.max(1, failures) - 1)) / 2;
}

/** Reports whether a change of a table, an extension or a dependent concerns plugins. */
function isSubstantial({ resource, previous, gone }: ResourceChange): boolean {
  if (!previous || gone) return true;
  const [now, before] = [resource.metadata, previous.metadata];
  const marks = ({ labels, annotations, finalizers }: typeof now) => JSON.stringify([labels, annotations, finalizers]);
  return (
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    // A finalizer that was added is no cause, but one that another client removed.
    (marks(now) !== marks(before) && (now.finalizers?.length ?? 0) <= (before.finalizers?.length ?? 0)) ||
    parseKey(keyOf(resource)).kind !== tables.kind
  );
}
