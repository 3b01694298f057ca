import { setTimeout as delay } from 'node:timers/promises';
import {
  type CallObservation,
  type JsonObject,
  type JsonValue,
  keyOf,
  type Resource,
  type ResourceChange,
  type ResourceKey,
  type ResourceKind,
  type Resources,
} from '@kplug/controller';
import { isJsonObject, jsonEquals } from '@kplug/controller/tools';
import { compactStatus } from '../output/compact.ts';
import { readDelegatedStatus } from '../output/delegated-status.ts';
import type { DevLine } from './dev-output.ts';

const delegationKind: ResourceKind = { apiVersion: 'delegations.kplug.dev/v1alpha1', kind: 'Delegation' };

/** Fields of the status that the controller writes. The others are those of the plugin. */
const ownFields = new Set([
  ...['implementation', 'implementations', 'plugin', 'observedGeneration', 'conditions', 'dependents'],
  ...['operationsInProgress', 'capability', 'lastHandledReconcileAt'],
]);

/** Time after a call within which its status is written, in milliseconds. */
const unchangedDelay = 300;
/** Largest number of resources that are shown although their status stays. */
const maxUnchanged = 10;

/** Follows the statuses of the delegated resources, and describes each change. */
export class StatusFeed {
  readonly #resources: Resources;
  readonly #onLine: (line: DevLine) => void;
  readonly #stopping = new AbortController();
  readonly #kinds = new Map<string, ResourceKind>();
  /** Durations of the last calls, in milliseconds. */
  readonly #durations = new Map<ResourceKey, number>();
  /** Resources that a line was printed for since the code changed. */
  readonly #shown = new Set<ResourceKey>();
  #unchanged = 0;
  #summary: NodeJS.Timeout | undefined;

  constructor(resources: Resources, onLine: (line: DevLine) => void) {
    this.#resources = resources;
    this.#onLine = onLine;
  }

  /** Starts to follow the kinds of delegations, and those of Delegation resources. */
  async start(kinds: readonly ResourceKind[]): Promise<void> {
    const { signal } = this.#stopping;
    for (const kind of kinds) await this.#follow(kind);
    const onDelegation = ({ resource }: ResourceChange) => {
      const { base } = resource.spec as { base?: ResourceKind };
      if (base?.kind && base.apiVersion) void this.#follow(base);
    };
    await this.#resources.follow(delegationKind, onDelegation, { signal });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Takes in a call, whose duration belongs to the next change of the status. */
  called({ resource: key, duration }: CallObservation): void {
    if (key === undefined) return;
    this.#durations.set(key, duration);
    if (!this.#shown.has(key)) setTimeout(() => this.#showUnchanged(key), unchangedDelay).unref();
  }

  /** Reports whether the status of a resource says something, soon after it may have been written. */
  async says(key: ResourceKey, message: string): Promise<boolean> {
    await delay(unchangedDelay, undefined, { ref: false });
    const resource = this.#resources.get(key);
    return resource !== undefined && (readDelegatedStatus(resource)?.message.includes(message) ?? false);
  }

  /** Shows each resource again after its next call, also if its status stays, as the code has changed. */
  renew(): void {
    this.#shown.clear();
    this.#unchanged = 0;
  }

  /** Returns the delegated resources. */
  list(): Resource[] {
    return [...this.#kinds.values()].flatMap((kind) => [...this.#resources.list(kind)]);
  }

  #showUnchanged(key: ResourceKey): void {
    const resource = this.#resources.get(key);
    if (this.#stopping.signal.aborted || !resource || this.#shown.has(key)) return;
    const text = describeStatus(resource);
    if (text === undefined) return;
    this.#shown.add(key);
    this.#unchanged++;
    if (this.#unchanged <= maxUnchanged) {
      this.#show(resource, `${text}, unchanged`, key);
      return;
    }
    clearTimeout(this.#summary);
    this.#summary = setTimeout(() => this.#summarize(), unchangedDelay).unref();
  }

  #summarize(): void {
    const more = this.#unchanged - maxUnchanged;
    if (more > 0) this.#onLine({ subject: 'kplug', text: `${more} more resources are unchanged`, kind: 'faint' });
  }

  #show(resource: Resource, text: string, key: ResourceKey): void {
    const duration = this.#durations.get(key);
    this.#durations.delete(key);
    this.#shown.add(key);
    const took = duration === undefined ? '' : ` (${formatDuration(duration)})`;
    const { plugin } = resource.status ?? {};
    const name = isJsonObject(plugin) ? String(plugin.name) : '';
    this.#onLine({ subject: nameOf(resource), text: `${text}${took}`, kind: kindOf(resource), plugin: name });
  }

  async #follow(kind: ResourceKind): Promise<void> {
    const id = `${kind.apiVersion} ${kind.kind}`;
    if (this.#kinds.has(id)) return;
    this.#kinds.set(id, kind);
    const { signal } = this.#stopping;
    await this.#resources.follow(kind, (change) => this.#onChange(change), { signal });
  }

  #onChange({ resource, previous, gone }: ResourceChange): void {
    const key = keyOf(resource);
    if (gone) {
      this.#durations.delete(key);
      this.#onLine({ subject: nameOf(resource), text: 'deleted', kind: 'faint' });
      return;
    }
    const text = describeChange(resource, previous);
    if (text === undefined) return;
    this.#show(resource, text, key);
  }
}

/** Formats a duration in milliseconds. */
export function formatDuration(duration: number): string {
  return duration < 1_000 ? `${Math.max(1, Math.round(duration))} ms` : `${(duration / 1_000).toFixed(1)} s`;
}

/** Returns the name of a resource in the output. */
export function nameOf({ kind, metadata }: Resource): string {
  const namespace = metadata.namespace && metadata.namespace !== 'default' ? `${metadata.namespace}/` : '';
  return `${kind.toLowerCase()}/${namespace}${metadata.name}`;
}

/** Describes a change of a status; `undefined` when none that matters to users has changed. */
export function describeChange(resource: Resource, previous: Resource | undefined): string | undefined {
  const status = readDelegatedStatus(resource);
  // The status of an earlier run is no news.
  if (!status || !previous) return undefined;
  const former = readDelegatedStatus(previous);
  const fields = changedFields(resource.status, previous.status);
  const isSame =
    former && ['ready', 'reason', 'message'].every((name) => status[name as 'ready'] === former[name as 'ready']);
  if (isSame && Object.keys(fields).length === 0) return undefined;
  const shown = compactStatus(fields);
  return `${describeStatus(resource)}${shown ? `; ${shown}` : ''}`;
}

/** Describes the status of a resource; `undefined` when it has none. */
function describeStatus(resource: Resource): string | undefined {
  const status = readDelegatedStatus(resource);
  if (!status) return undefined;
  const states: Record<string, string> = { True: 'Ready', False: 'NotReady' };
  const state = states[status.ready] ?? 'Unknown';
  const reason = /^(?:Ready|Chosen|Preferred|Selected)$/.test(status.reason) ? '' : ` ${status.reason}`;
  return `${state}${reason}: ${status.message}`;
}

function changedFields(status: JsonObject = {}, former: JsonObject = {}): JsonObject {
  const changed = Object.entries(status).filter(([name, value]) => {
    return !ownFields.has(name) && value !== undefined && !isSameValue(value, former[name]);
  });
  return Object.fromEntries(changed);
}

function isSameValue(value: JsonValue, former: JsonValue | undefined): boolean {
  return former !== undefined && jsonEquals(value, former);
}

function kindOf(resource: Resource): DevLine['kind'] {
  const ready = readDelegatedStatus(resource)?.ready;
  if (ready === 'True') return 'good';
  return ready === 'False' ? 'bad' : 'plain';
}
