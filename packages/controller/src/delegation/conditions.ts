import type { JsonObject } from '../resources/resource.ts';

/** The conditions that the controller sets. */
export type ControllerConditionType = 'PluginSelected' | 'ExtensionsResolved' | 'Reconciled' | 'Finalized' | 'Ready';

/** What is to be said in a condition. */
export interface ConditionContent {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/** A condition as Kubernetes has it. */
export interface Condition extends ConditionContent {
  observedGeneration?: number;
  lastTransitionTime: string;
}

const controllerTypes: ReadonlySet<string> = new Set<ControllerConditionType>([
  'PluginSelected',
  'ExtensionsResolved',
  'Reconciled',
  'Finalized',
  'Ready',
]);

/** As much of a message as fits a status that people read. Kubernetes allows 32,768 characters. */
const longestMessage = 2_048;

/** The conditions in a status, whoever wrote it. */
export function readConditions(status: JsonObject | undefined): readonly Condition[] {
  const conditions = status?.conditions;
  return Array.isArray(conditions) ? (conditions as readonly unknown[]).filter(isCondition) : [];
}

/** One condition of a status. */
export function findCondition(status: JsonObject | undefined, type: string): Condition | undefined {
  return readConditions(status).find((condition) => condition.type === type);
}

/** Whether the controller itself sets a condition. */
export function isControllerCondition({ type }: { type: string }): boolean {
  return controllerTypes.has(type);
}

/** A condition to be written: the time of its last transition is kept as long as its status is. */
export function stamp(
  { type, status, reason, message }: ConditionContent,
  former: readonly Condition[],
  observedGeneration: number,
  now: () => Date,
): Condition {
  const previous = former.find((condition) => condition.type === type);
  const lastTransitionTime =
    previous?.status === status
      ? previous.lastTransitionTime
      : now()
          .toISOString()
          .replace(/\.\d+Z$/, 'Z');
  return { type, status, reason, message: shorten(message), observedGeneration, lastTransitionTime };
}

function shorten(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message;
}

function isCondition(value: unknown): value is Condition {
  if (typeof value !== 'object' || value === null) return false;
  return 'type' in value && typeof value.type === 'string' && 'status' in value && 'lastTransitionTime' in value;
}
