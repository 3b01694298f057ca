import type { PluginCondition, StatusChange } from '../../clients/plugin-call.ts';
import { PluginName } from '../../names.ts';
import {
  type ConditionContent,
  findCondition,
  isControllerCondition,
  readConditions,
  stampCondition,
} from '../../resources/conditions.ts';
import { isJsonObject } from '../../resources/json.ts';
import { mergePatch } from '../../resources/merge-patch.ts';
import type { JsonObject, JsonValue, Resource } from '../../resources/resource.ts';
import type { PresentChoice } from '../../selection/candidate.ts';
import type { ResolvedCapability } from '../../selection/capability.ts';
import { readReconcileAt } from '../control-annotations.ts';
import type { Holder } from '../holders/holder.ts';
import { operationsField } from '../operations/operation.ts';

/** Fields of a base's status that the controller manages. Those that a plugin returns are ignored. */
const controllerFields = [
  'capability',
  'implementation',
  'plugin',
  'implementations',
  'dependents',
  'dependentsReady',
  'lastHandledReconcileAt',
  operationsField,
  'observedGeneration',
  'conditions',
] as const;

/** A plugin that reconciled a resource, as the status names it. */
export interface PluginReference extends PresentChoice {
  readonly api: string;
  readonly apiVersion: string;
}

/** Answer of a plugin about a base. An `undefined` field keeps what the same plugin returned earlier. */
export interface PluginStatement {
  plugin: PluginReference;
  status: StatusChange | undefined;
  conditions: readonly PluginCondition[] | undefined;
}

/** Content of a base's status after one pass. */
export interface StatusReport {
  /** The controller's own conditions. Those that aren't listed stay as they are. */
  conditions: readonly ConditionContent[];
  /** Answers of the plugins. `undefined` when none was called: their part of the status stays as it is. */
  statements: readonly PluginStatement[] | undefined;
  /** Plugins that have finalized the base, while others have yet to. They hold it no longer. */
  finalized?: readonly PresentChoice[];
  /** Inventory of the base's dependents, and the number of those that are ready. `undefined`: they stay as they are. */
  applied?: { dependents: JsonValue[]; dependentsReady?: string } | undefined;
  /** Capability that the plugins provide now. `undefined`: it stays as it is. */
  capability?: ResolvedCapability | undefined;
  /** Operations that plugins have in progress. `undefined`: they stay as they are. */
  operations?: JsonValue[];
  /** True if the base is paused: then its generation and what its annotations request are not observed. */
  isPaused?: boolean;
  /** With `all`, each statement is written under its plugin's name. */
  mode: 'one' | 'all';
}

/** Returns the plugins that reconciled a base last, by its status. */
export function holdersOf({ status }: Resource): Holder[] {
  const entries = isJsonObject(status?.implementations) ? Object.values(status.implementations) : [status];
  return entries.flatMap((entry) => {
    const plugin = isJsonObject(entry) ? entry.plugin : undefined;
    if (!isJsonObject(plugin)) return [];
    const { name, version, api, apiVersion } = plugin;
    if (typeof name !== 'string' || typeof version !== 'string') return [];
    return [{ plugin: new PluginName(name), version, api: textOf(api), apiVersion: textOf(apiVersion) }];
  });
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Composes a base's status of the controller's part and of what the plugins returned. Pure but for the clock. */
export function composeStatus(base: Resource, report: StatusReport, now: () => Date = () => new Date()): JsonObject {
  const { generation } = base.metadata;
  const former = readConditions(base.status);
  const options = { observedGeneration: generation, now };
  const given = report.conditions.map((content) => stampCondition(content, former, options));
  const unchanged = former.filter((condition) => {
    // Whoever reports about a paused resource gives this condition.
    if (condition.type === 'Paused') return false;
    return isControllerCondition(condition) && !given.some(({ type }) => type === condition.type);
  });
  const ofPlugins = pluginConditions(base, report).map((content) => stampCondition(content, former, options));
  const {
    dependents: _,
    dependentsReady: __,
    capability: ___,
    lastHandledReconcileAt: ____,
    [operationsField]: _____,
    ...fields
  } = pluginFields(base, report);
  const { dependents, dependentsReady } = report.applied ?? base.status ?? {};
  const capability = report.capability ?? base.status?.capability;
  const handled = report.isPaused ? base.status?.lastHandledReconcileAt : readReconcileAt(base);
  const operations = report.operations ?? base.status?.[operationsField];
  const observed = report.isPaused ? base.status?.observedGeneration : generation;
  return {
    ...fields,
    ...(isJsonObject(capability) && { capability }),
    ...(Array.isArray(dependents) && dependents.length > 0 && { dependents }),
    ...(typeof dependentsReady === 'string' && { dependentsReady }),
    ...(Array.isArray(operations) && operations.length > 0 && { [operationsField]: operations }),
    ...(typeof handled === 'string' && { lastHandledReconcileAt: handled }),
    ...(observed !== undefined && { observedGeneration: observed }),
    conditions: [...unchanged, ...given, ...ofPlugins].sort(byType),
  };
}

/** Returns the fields of a plugin's status that the controller manages. `implementation` with the plugin's own name is harmless. */
export function reservedFieldsOf({ plugin: { plugin }, status }: PluginStatement): string[] {
  const fields = status?.fields ?? {};
  return controllerFields.filter((field) => {
    if (!Object.hasOwn(fields, field)) return false;
    const value = fields[field];
    return !(field === 'implementation' && typeof value === 'string' && plugin.equals(new PluginName(value)));
  });
}

/** Reports whether all plugins of a deleted base have finalized it, according to its status. */
export function isFinalized(base: Resource): boolean {
  return findCondition(base.status, 'Finalized')?.status === 'True';
}

/** Reports whether a base is ready according to its status. */
export function isReady(base: Resource): boolean {
  return findCondition(base.status, 'Ready')?.status === 'True';
}

function pluginFields(base: Resource, { statements, finalized = [], mode }: StatusReport): JsonObject {
  const { observedGeneration, conditions, ...former } = base.status ?? {};
  if (!statements) return withoutHolders(former, finalized);
  const implementation = statements.map(({ plugin }) => plugin.plugin.text).join(',');
  if (mode === 'one') {
    const [statement] = statements;
    if (!statement) return former;
    const changed = changeStatus(isHeldBy(base, statement) ? former : {}, statement.status);
    return { ...withoutControllerFields(changed), implementation, plugin: describePlugin(statement.plugin) };
  }
  const formerByName = isJsonObject(former.implementations) ? former.implementations : {};
  const implementations: JsonObject = {};
  for (const { plugin, status } of statements) {
    const changed = changeStatus(findByName(formerByName, plugin.plugin), status);
    implementations[plugin.plugin.text] = { ...withoutControllerFields(changed), plugin: describePlugin(plugin) };
  }
  return { implementation, implementations };
}

/** Removes the parts of plugins from a status. The part of a single plugin stays, as the resource is gone without it. */
function withoutHolders(status: JsonObject, plugins: readonly PresentChoice[]): JsonObject {
  const { implementations } = status;
  if (plugins.length === 0 || !isJsonObject(implementations)) return status;
  const kept = Object.entries(implementations).filter(([name]) => {
    return !plugins.some(({ plugin }) => plugin.equals(new PluginName(name)));
  });
  return {
    ...status,
    implementation: kept.map(([name]) => name).join(','),
    implementations: Object.fromEntries(kept),
  };
}

function findByName(implementations: JsonObject, plugin: PluginName): JsonObject {
  const [, found] = Object.entries(implementations).find(([name]) => plugin.equals(new PluginName(name))) ?? [];
  return isJsonObject(found) ? found : {};
}

function changeStatus(former: JsonObject, change: StatusChange | undefined): JsonObject {
  if (!change) return former;
  return change.way === 'merge' ? mergePatch(former, change.fields) : change.fields;
}

/** Returns the conditions that plugins set. Several plugins must use different types. */
function pluginConditions(base: Resource, { statements }: StatusReport): ConditionContent[] {
  const former = readConditions(base.status).filter((condition) => !isControllerCondition(condition));
  if (!statements) return former;
  const byType = new Map<string, ConditionContent>();
  for (const statement of statements) {
    const conditions = statement.conditions ?? (isHeldBy(base, statement) ? former : []);
    for (const condition of conditions) byType.set(condition.type, condition);
  }
  return [...byType.values()];
}

function isHeldBy(base: Resource, { plugin }: PluginStatement): boolean {
  return holdersOf(base).some((holder) => holder.plugin.equals(plugin.plugin));
}

function describePlugin({ plugin, version, api, apiVersion }: PluginReference): JsonObject {
  return { name: plugin.text, version, api, apiVersion };
}

function withoutControllerFields(status: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(status).filter(([field]) => !(controllerFields as readonly string[]).includes(field)),
  );
}

function byType(a: { type: string }, b: { type: string }): number {
  return a.type < b.type ? -1 : 1;
}
