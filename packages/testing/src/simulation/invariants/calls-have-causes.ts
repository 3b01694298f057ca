import { keyOf, parseKey, type ResourceChange, type ResourceKey } from '@kplug/controller';
import type { Delegation } from '@kplug/controller/internal';
import type { CallRecord, Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { tables } from '../kinds.ts';
import { times } from '../scenario.ts';
import type { Simulation } from '../simulation.ts';

type InstanceHappening = Extract<Happening, { type: 'instance' }>;

/** Calls of one controller for one resource since their last cause. */
interface Track {
  controller: string;
  key: ResourceKey;
  delegation: Delegation | undefined;
  /** Last calls, by plugin. Several with mode `all`. */
  last: Map<string, CallRecord>;
  /** Calls before the last ones, by plugin. */
  former: Map<string, CallRecord>;
  failures: number;
  /**
   * Number of passes with calls that changes are a reason for. A change of an extension or of a plugin may come between the start of a pass and its
   * call, and is then a reason for another call.
   */
  allowance: number;
  /** Reports whether something has changed that is a reason for another call after a failure. */
  hasCauseToRetry: boolean;
  /** Reports whether a write has failed since the last call, so that the back-off of the writes may apply. */
  hasFailedWrite: boolean;
  /** Reports whether the status has been written since the last call, which makes its plugin the present choice. */
  isReported: boolean;
}

/** Largest number of plugins that mode `all` calls in a pass. */
const maxPlugins = 4;

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

  observe(happening: Happening, world: Simulation): string | undefined {
    switch (happening.type) {
      case 'change':
        this.#onChange(happening.controller, happening.change);
        return undefined;
      case 'instance':
        this.#onInstance(happening, world.scenario.declaration.mode === 'all');
        return undefined;
      case 'controller':
        // Before a change, resources that the new delegation doesn't concern are released.
        if (happening.state === 'delegation changing') this.#allow(happening.controller, 2);
        return undefined;
      case 'write failed':
        this.#onWrite(happening.controller, happening.key, true);
        return undefined;
      case 'write':
        this.#onWrite(happening.write.controller, happening.write.key, false, happening.write.kind === 'status');
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
  #onInstance({ controller, plugin, state }: InstanceHappening, isForAll: boolean): void {
    for (const [id, track] of this.#tracks) {
      if (track.controller !== controller) continue;
      track.hasCauseToRetry = true;
      const isConcerned = isForAll || isHandOver(id) || track.last.has(plugin.toLowerCase());
      if (isConcerned) track.allowance = Math.max(track.allowance, 2);
      // A pass that finds its choice unreachable chooses again.
      else if (!track.isReported || state === 'suspect') track.allowance = Math.max(track.allowance, 1);
    }
  }

  #allow(controller: string, calls: number, key?: ResourceKey): void {
    for (const track of this.#tracks.values()) {
      const isMeant = track.controller === controller && (key === undefined || track.key === key);
      if (isMeant) track.allowance = Math.max(track.allowance, calls);
    }
  }

  #onWrite(controller: string, key: ResourceKey, hasFailed: boolean, isStatus = false): void {
    for (const track of this.#tracks.values()) {
      if (track.controller !== controller) continue;
      // Resources that failed are retried when writes succeed again.
      if (!hasFailed && this.#haveFailedWrites.has(controller)) track.hasCauseToRetry = true;
      if (track.key !== key) continue;
      if (hasFailed) track.hasFailedWrite = true;
      else if (isStatus) track.isReported = true;
    }
    if (hasFailed) this.#haveFailedWrites.add(controller);
    else this.#haveFailedWrites.delete(controller);
  }

  #onCall(call: CallRecord, world: Simulation): string | undefined {
    const isForAll = world.scenario.declaration.mode === 'all';
    const id = idOf(call);
    const delegation = world.controller(call.controller)?.delegation;
    const known = this.#tracks.get(id);
    // A delegation that replaces another one has no knowledge of earlier calls.
    const track =
      known?.delegation === delegation && known
        ? known
        : {
            controller: call.controller,
            key: call.key,
            delegation,
            last: new Map(),
            former: new Map(),
            failures: 0,
            allowance: 2,
            hasCauseToRetry: false,
            hasFailedWrite: false,
            isReported: false,
          };
    this.#tracks.set(id, track);
    const plugin = call.plugin.toLowerCase();
    const isAllowed = isForAll ? this.#isAllowedForAll(track, call) : this.#isAllowed(track, call);
    const violation = isAllowed ? undefined : this.#describe(track, call);
    if (violation) return violation;
    const former = track.last.get(plugin);
    // The change of a plugin that another choice follows from may come between the start of a pass and its call.
    const isOther = former?.version !== call.version;
    if (track.allowance > 0 || isOther) track.failures = 0;
    if (isOther && !isForAll) track.last.clear();
    const spent = isForAll ? 1 / maxPlugins : 1;
    track.allowance = Math.max(call.isOutdated || isOther ? 1 : 0, track.allowance - spent);
    track.hasCauseToRetry = false;
    track.hasFailedWrite = false;
    track.isReported = false;
    track.last.set(plugin, call);
    if (former) track.former.set(plugin, former);
    return undefined;
  }

  #onEnded(call: CallRecord): void {
    const track = this.#tracks.get(idOf(call));
    if (track?.last.get(call.plugin.toLowerCase()) !== call) return;
    track.failures = call.outcome === 'success' ? 0 : track.failures + 1;
  }

  #isAllowed({ last, failures, allowance, hasCauseToRetry, hasFailedWrite }: Track, call: CallRecord): boolean {
    const former = last.get(call.plugin.toLowerCase());
    if (allowance > 0 || former?.version !== call.version || former.endedAt === undefined) return true;
    if (former.outcome !== 'success' && hasCauseToRetry) return true;
    const delay = delayAfter(former, failures);
    // Failed answers aren't kept.
    const isAnswerLost = hasFailedWrite && former.outcome !== 'success';
    return call.startedAt - former.endedAt >= (isAnswerLost ? Math.min(delay, minBackOff) : delay) - tolerance;
  }

  /** All plugins are called again if one of them failed, and some of those calls may already have started. */
  #isAllowedForAll({ last, former, allowance, hasCauseToRetry }: Track, call: CallRecord): boolean {
    const own = last.get(call.plugin.toLowerCase());
    if (allowance > 0 || own?.version !== call.version || own.endedAt === undefined) return true;
    const failed = [...last.values(), ...former.values()].filter(({ outcome }) => outcome !== 'success');
    if (failed.length > 0 && hasCauseToRetry) return true;
    const delays = (failed.length > 0 ? failed : [...last.values()]).map((one) => delayAfter(one, 1));
    return call.startedAt - own.endedAt >= Math.min(...delays) - tolerance;
  }

  #describe({ last, failures }: Track, call: CallRecord): string {
    const former = last.get(call.plugin.toLowerCase());
    const since = call.startedAt - (former?.endedAt ?? 0);
    const outcome = `call ${former?.id} (${former?.outcome}${failures > 0 ? `, ${failures} failures` : ''})`;
    return `call ${call.id} for ${short(call.key)} started ${since} ms after ${outcome} without a cause`;
  }
}

const minBackOff = times.backOff.initial / 2;

/** Hand-overs are counted apart from the other calls. */
function idOf({ controller, key, cause }: CallRecord): string {
  return `${controller} ${key} ${cause === 'handedOver' ? cause : ''}`;
}

function isHandOver(id: string): boolean {
  return id.endsWith('handedOver');
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
