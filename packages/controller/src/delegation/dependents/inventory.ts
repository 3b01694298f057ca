import { limits } from '../../limits/limits.ts';
import { PluginName } from '../../names.ts';
import { formatTime } from '../../resources/conditions.ts';
import { cutText } from '../../resources/cut-text.ts';
import { isJsonObject } from '../../resources/json.ts';
import { formatKey, type JsonValue, parseKey, type Resource, type ResourceKey } from '../../resources/resource.ts';

const maxMessageLength = limits.delegation.maxDependentMessageLength;

/** A dependent of a base, and the plugin that requested it. */
export interface InventoryEntry {
  key: ResourceKey;
  plugin: PluginName;
  /** True if the dependent is not deleted, but released, when it is no longer wanted. */
  retain: boolean;
  /** True if the dependent is only observed. Default false. */
  isObserved?: boolean;
}

/**
 * State of a dependent.
 *
 * - `Ready`: it is ready.
 * - `Progressing`: it was applied, and is not ready yet.
 * - `Failed`: it could not be applied, or its controller says that it failed.
 * - `Waiting`: it is not applied until others are ready.
 * - `Deleting`: it is no longer wanted, and not gone yet.
 */
export type DependentReason = 'Ready' | 'Progressing' | 'Failed' | 'Waiting' | 'Deleting';

/** A dependent of a base as its status describes it. */
export interface ReportedDependent extends InventoryEntry {
  reason: DependentReason;
  /** Explanation; empty for a dependent that is ready. */
  message: string;
  /** Time of the last change of the reason, in RFC 3339. */
  since: string;
}

/** A dependent as the status of its base listed it. Older versions of the controller wrote no reason. */
export type ListedDependent = InventoryEntry & Partial<Pick<ReportedDependent, 'reason' | 'message' | 'since'>>;

/** Reasons of dependents by their readiness. */
export const reasonOf = { ready: 'Ready', progressing: 'Progressing', failed: 'Failed' } as const;

/** State of a dependent that is no longer wanted and not gone yet. */
export const deletingState = { reason: 'Deleting', message: 'it is being deleted, as it is no longer wanted' } as const;

/** Reads the dependents of a base from its status. Malformed entries are left out. */
export function readInventory({ status, metadata: { namespace = '' } }: Resource): ListedDependent[] {
  const { dependents } = status ?? {};
  if (!Array.isArray(dependents)) return [];
  return dependents.flatMap((entry) => {
    const { apiVersion, kind, name, plugin, retain, observed, reason, message, since } = isJsonObject(entry)
      ? entry
      : {};
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') return [];
    if (typeof name !== 'string' || typeof plugin !== 'string') return [];
    // Other slashes would make the key of a resource of another namespace.
    if (!/^([^/]+\/)?[^/]+$/.test(apiVersion) || /\//.test(kind + name)) return [];
    return [
      {
        key: formatKey({ apiVersion, kind, namespace, name }),
        plugin: new PluginName(plugin),
        retain: retain === true,
        ...(observed === true && { isObserved: true }),
        ...(isReason(reason) && typeof since === 'string' && { reason, since }),
        ...(typeof message === 'string' && { message }),
      },
    ];
  });
}

/** Completes the state of a dependent. The time of its last change stays as long as the reason does. */
export function stampDependent(
  { key, plugin, retain, isObserved = false }: InventoryEntry,
  state: Pick<ReportedDependent, 'reason' | 'message'>,
  inventory: readonly ListedDependent[],
  now: Date,
): ReportedDependent {
  const former = inventory.find((entry) => entry.key === key);
  const since = (former?.reason === state.reason && former.since) || formatTime(now);
  return { key, plugin, retain, isObserved, ...state, message: cutText(state.message, maxMessageLength), since };
}

/** Writes the dependents of a base for its status. */
export function writeInventory(entries: readonly ReportedDependent[]): JsonValue[] {
  return entries.map(({ key, plugin, retain, isObserved, reason, message, since }) => {
    const { apiVersion, kind, name } = parseKey(key);
    const state = { ready: reason === 'Ready', reason, ...(message && { message }), since };
    const rules = { ...(retain && { retain }), ...(isObserved && { observed: true }) };
    return { apiVersion, kind, name, plugin: plugin.text, ...rules, ...state };
  });
}

function isReason(value: JsonValue | undefined): value is DependentReason {
  return typeof value === 'string' && Object.hasOwn(reasons, value);
}

const reasons: Record<DependentReason, true> = {
  Ready: true,
  Progressing: true,
  Failed: true,
  Waiting: true,
  Deleting: true,
};
