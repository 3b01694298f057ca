import type { JsonObject, JsonValue, Resource } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';

/** Status that an operator wrote to a base. */
export interface DelegatedStatus {
  /** Condition `Ready`: `True`, `False` or `Unknown`. */
  ready: string;
  /** Reason of the selection when the resource is ready, else reason why it is not. */
  reason: string;
  /** Part of the operations in progress that is done, in percent; `undefined` if none says so. */
  percentage?: number;
  message: string;
  implementation: string;
  /** Version of the plugin, or comma-separated versions of several. */
  version: string;
  observedGeneration: number;
}

/** Reads the status that an operator wrote; `undefined` when none did. */
export function readDelegatedStatus({ metadata, status }: Resource): DelegatedStatus | undefined {
  const ready = conditionOf(status, 'Ready');
  if (!status || !ready) return undefined;
  const isReady = ready.status === 'True';
  const selected = conditionOf(status, 'PluginSelected');
  const percentage = isReady ? undefined : percentageOf(status);
  const of = {
    ...(percentage !== undefined && { percentage }),
    implementation: text(status.implementation),
    version: versionsOf(status).join(','),
    observedGeneration: Number(status.observedGeneration ?? 0),
  };
  const { observedGeneration } = status;
  if (isReady && typeof observedGeneration === 'number' && observedGeneration < metadata.generation) {
    const message = `generation ${metadata.generation} was not reconciled yet; ${text(ready.message)}`;
    return { ready: 'Unknown', reason: 'Outdated', message, ...of };
  }
  return {
    ready: text(ready.status) || 'Unknown',
    reason: text(isReady ? selected?.reason : ready.reason) || text(ready.reason),
    message: text(ready.message),
    ...of,
  };
}

/** Reports whether the stored status of a resource differs from the operator's. */
export function isOutdated({ status }: Resource, { reason, message }: { reason: string; message: string }): boolean {
  const ready = conditionOf(status, 'Ready');
  return ready?.status !== 'False' || text(ready.reason) !== reason || text(ready.message) !== message;
}

function conditionOf(status: JsonObject | undefined, type: string): JsonObject | undefined {
  const conditions = status?.conditions;
  if (!Array.isArray(conditions)) return undefined;
  return conditions.find((one): one is JsonObject => isJsonObject(one) && one.type === type);
}

/** Returns the version of the plugin, or those of several in the order of their names. */
function versionsOf({ plugin, implementations }: JsonObject): string[] {
  const holders = isJsonObject(implementations) ? Object.values(implementations) : [{ plugin }];
  return holders.flatMap((holder) => {
    const version = isJsonObject(holder) && isJsonObject(holder.plugin) ? text(holder.plugin.version) : '';
    return version ? [version] : [];
  });
}

/** Returns the part that is done of the operation that has done least. */
function percentageOf({ operationsInProgress }: JsonObject): number | undefined {
  const operations = Array.isArray(operationsInProgress) ? operationsInProgress.filter(isJsonObject) : [];
  const known = operations.map(({ percentage }) => percentage).filter((one) => typeof one === 'number');
  return known.length > 0 ? Math.min(...known) : undefined;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
