import { printableLines } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { cutText } from './cut-text.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './resource.ts';

/** Types of the conditions that the controller sets on base resources. */
export type ControllerConditionType =
  | 'PluginSelected'
  | 'ExtensionsResolved'
  | 'Reconciled'
  | 'Finalized'
  | 'Paused'
  | 'Ready';

const controllerTypes: ReadonlySet<string> = new Set<ControllerConditionType>([
  'PluginSelected',
  'ExtensionsResolved',
  'Reconciled',
  'Finalized',
  'Paused',
  'Ready',
]);

/** Content of a condition that is to be written. */
export type ConditionContent = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
};

/** A condition as Kubernetes defines it. */
export type Condition = ConditionContent & {
  observedGeneration?: number;
  /** Time at which the status changed last, in RFC 3339. */
  lastTransitionTime: string;
};

/** Options of stamping conditions. */
export interface StampOptions {
  /** Generation of the resource that the conditions describe. Default: none is written. */
  observedGeneration?: number;
  /** Longest message, in characters; a longer one is cut. Default 2,048. Kubernetes allows 32,768. */
  maxMessageLength?: number;
  /** Default: the system clock. */
  now?: () => Date;
}

/** Reads the conditions of a status. Malformed entries are left out. */
export function readConditions(status: JsonObject | undefined): readonly Condition[] {
  const conditions = status?.conditions;
  return Array.isArray(conditions) ? (conditions as readonly unknown[]).filter(isCondition) : [];
}

/** Returns one condition of a status. */
export function findCondition(status: JsonObject | undefined, type: string): Condition | undefined {
  return readConditions(status).find((condition) => condition.type === type);
}

/** Reports whether the controller itself sets a condition of base resources. */
export function isControllerCondition({ type }: { type: string }): boolean {
  return controllerTypes.has(type);
}

/** Completes a condition for writing. The time of the last transition stays as long as the status does. */
export function stampCondition(
  { type, status, reason, message }: ConditionContent,
  former: readonly Condition[],
  {
    observedGeneration,
    maxMessageLength = limits.resources.maxConditionLength,
    now = () => new Date(),
  }: StampOptions = {},
): Condition {
  const previous = former.find((condition) => condition.type === type);
  const lastTransitionTime = previous?.status === status ? previous.lastTransitionTime : formatTime(now());
  return {
    type,
    status,
    reason,
    // Tools print it as it is.
    message: cutText(printableLines(cutText(message, maxMessageLength)), maxMessageLength),
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime,
  };
}

/** Formats a time as Kubernetes does, in whole seconds. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

function isCondition(value: unknown): value is Condition {
  if (!isJsonObject(value)) return false;
  return [value.type, value.status, value.lastTransitionTime].every((field) => typeof field === 'string');
}
