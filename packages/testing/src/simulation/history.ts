import { parseKey, type Resource, type ResourceChange, type ResourceKey } from '@kplug/controller';
import type { FinalizeCause } from '@kplug/controller/internal';

/** Call of a plugin, as the controller that made it sees it. */
export interface CallRecord {
  readonly id: number;
  readonly controller: string;
  /** Instance id. */
  readonly instance: string;
  readonly plugin: string;
  readonly version: string;
  readonly method: 'Reconcile' | 'Finalize';
  /** Cause of a Finalize. */
  readonly cause?: FinalizeCause;
  readonly key: ResourceKey;
  readonly uid: string;
  readonly generation: number;
  readonly startedAt: number;
  /** True if the resource had already changed in the controller's cache when the call started. */
  readonly isOutdated: boolean;
  endedAt?: number;
  /** Outcome: that of the answer, or the error. */
  outcome?: 'success' | 'retry' | 'terminal' | 'error';
  /** Delay that the answer requests, in milliseconds. */
  requestedAfter?: number;
  /** True if the resource had changed in the controller's cache when the call ended. */
  stale?: boolean;
  /** True if the process of the plugin did the work, whether or not the answer arrived. */
  served?: boolean;
  error?: string;
}

/** State of a controller. */
export type ControllerState =
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'deposed'
  | 'delegation changing'
  | 'delegation changed';

export type WriteKind = 'status' | 'add finalizer' | 'remove finalizer' | 'apply dependent' | 'remove dependent';

/** Write that changed or left the stored state. */
export interface WriteRecord {
  readonly controller: string;
  readonly kind: WriteKind;
  readonly key: ResourceKey;
  readonly fieldManager: string;
  /** Stored resource before and after the write. */
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
  readonly result: string;
  /** Reports whether the controller gets the answer. */
  readonly isAnswered: boolean;
}

/** Step of a history. */
export type Happening =
  | { type: 'action'; actor: 'user' | 'plugin' | 'fault' | 'controller' | 'time'; text: string }
  | { type: 'controller'; controller: string; state: ControllerState }
  | { type: 'call started'; call: CallRecord }
  | { type: 'call ended'; call: CallRecord }
  | { type: 'write'; write: WriteRecord }
  | { type: 'write failed'; controller: string; kind: WriteKind; key: ResourceKey; error: string }
  | { type: 'event'; controller: string; key: ResourceKey; reason: string; message: string }
  | { type: 'change'; controller: string; change: ResourceChange }
  | {
      type: 'instance';
      controller: string;
      instance: string;
      plugin: string;
      version: string;
      state: string;
      reason: string;
    };

/** History of one run. */
export class History {
  readonly happenings: { at: number; happening: Happening }[] = [];

  add(at: number, happening: Happening): void {
    this.happenings.push({ at, happening });
  }

  /** Formats the last steps for people, one a line. */
  format(most = 400): string {
    const uids = new Uids();
    const lines = this.happenings.map(({ at, happening }) => {
      return `${(at / 1000).toFixed(3).padStart(9)} s  ${describe(happening, uids)}`;
    });
    const left = lines.length - most;
    return left > 0 ? [`(${left} earlier steps)`, ...lines.slice(-most)].join('\n') : lines.join('\n');
  }
}

/** Short names of UIDs, which are random, in the order in which they appear. */
class Uids {
  readonly #names = new Map<string, string>();

  nameOf(uid: string): string {
    const known = this.#names.get(uid);
    if (known) return known;
    const name = `#${this.#names.size + 1}`;
    this.#names.set(uid, name);
    return name;
  }
}

function describe(happening: Happening, uids: Uids): string {
  switch (happening.type) {
    case 'action':
      return `${happening.actor.toUpperCase()} ${happening.text}`;
    case 'controller':
      return `  ${happening.controller} ${happening.state}`;
    case 'call started':
      return describeCall(happening.call, uids);
    case 'call ended': {
      const { id, controller, outcome, stale, error } = happening.call;
      return `  ${controller} call ${id} ended: ${outcome}${error ? ` (${error})` : ''}${stale ? ', stale' : ''}`;
    }
    case 'write': {
      const { controller, kind, key, result, after } = happening.write;
      const detail = kind === 'status' && after ? ` ${describeStatus(after)}` : '';
      return `  ${controller} write: ${kind} of ${short(key)}: ${result}${detail}`;
    }
    case 'write failed':
      return `  ${happening.controller} write failed: ${happening.kind} of ${short(happening.key)}: ${happening.error}`;
    case 'event':
      return `  ${happening.controller} Event on ${short(happening.key)}: ${happening.reason}: ${happening.message}`;
    case 'change':
      return describeChange(happening.controller, happening.change, uids);
    case 'instance': {
      const { controller, instance, plugin, version, state, reason } = happening;
      return `  ${controller} registry: ${instance} (${plugin} ${version}) is ${state}${reason ? `: ${reason}` : ''}`;
    }
  }
}

function describeChange(controller: string, { resource, gone }: ResourceChange, uids: Uids): string {
  const { uid, name, generation, deletionTimestamp, resourceVersion } = resource.metadata;
  const state = gone ? 'gone' : deletionTimestamp ? 'being deleted' : `generation ${generation}`;
  return `  ${controller} sees ${resource.kind}/${name} ${uids.nameOf(uid)}: ${state}, version ${resourceVersion}`;
}

function describeCall(call: CallRecord, uids: Uids): string {
  const { id, controller, instance, version, method, cause, key, uid, generation } = call;
  const subject = `${short(key)} ${uids.nameOf(uid)} generation ${generation}`;
  return `  ${controller} call ${id}: ${method}${cause ? ` (${cause})` : ''} of ${subject} at ${instance} (${version})`;
}

/** Formats a key for people: `Table/one`. */
export function short(key: ResourceKey): string {
  const { kind, name } = parseKey(key);
  return `${kind}/${name}`;
}

function describeStatus({ status }: Resource): string {
  const { conditions, ...fields } = status ?? {};
  const shown = Array.isArray(conditions) ? conditions : [];
  const texts = (shown as { type: string; status: string; reason: string; observedGeneration?: number }[]).map(
    ({ type, status, reason, observedGeneration = '' }) => `${type}=${status}(${reason},${observedGeneration})`,
  );
  return `${JSON.stringify(fields)} ${texts.join(' ')}`;
}
