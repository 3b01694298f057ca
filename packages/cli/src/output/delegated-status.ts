import type { JsonObject, JsonValue, Resource } from '@kplug/controller';

/** What an operator says of a base resource in its status. */
export interface DelegatedStatus {
  /** The condition `Ready`: `True`, `False`, or `Unknown` also where there is none. */
  ready: string;
  /** Why: how the plugin was selected when the resource is ready, else what stands in the way. */
  reason: string;
  message: string;
  implementation: string;
  /** The version of the plugin, or those of several. */
  version: string;
  observedGeneration: number;
}

/** Reads what an operator said of a resource; `undefined` when none did, so that it is no base or none was at work yet. */
export function readDelegatedStatus({ status }: Resource): DelegatedStatus | undefined {
  const ready = conditionOf(status, 'Ready');
  if (!status || !ready) return undefined;
  const isReady = ready.status === 'True';
  const selected = conditionOf(status, 'PluginSelected');
  return {
    ready: text(ready.status) || 'Unknown',
    reason: text(isReady ? selected?.reason : ready.reason) || text(ready.reason),
    message: text(ready.message),
    implementation: text(status.implementation),
    version: versionsOf(status).join(','),
    observedGeneration: Number(status.observedGeneration ?? 0),
  };
}

function conditionOf(status: JsonObject | undefined, type: string): JsonObject | undefined {
  const conditions = status?.conditions;
  if (!Array.isArray(conditions)) return undefined;
  return conditions.find((one): one is JsonObject => isObject(one) && one.type === type);
}

/** One plugin's version, or with several plugins each one's in the order of their names. */
function versionsOf({ plugin, implementations }: JsonObject): string[] {
  const holders = isObject(implementations) ? Object.values(implementations) : [{ plugin }];
  return holders.flatMap((holder) => {
    const version = isObject(holder) && isObject(holder.plugin) ? text(holder.plugin.version) : '';
    return version ? [version] : [];
  });
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
