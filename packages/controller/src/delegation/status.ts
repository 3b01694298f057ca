import type { PluginCondition, StatusChange } from '../clients/plugin-call.ts';
import { mergePatch } from '../resources/merge-patch.ts';
import type { JsonObject, JsonValue, Resource } from '../resources/resource.ts';
import type { PresentChoice } from '../selection/candidate.ts';
import { type ConditionContent, findCondition, isControllerCondition, readConditions, stamp } from './conditions.ts';

/** The fields of a base's status that the controller writes itself, whatever a plugin returns. */
const controllerFields = [
  'implementation',
  'plugin',
  'implementations',
  'dependents',
  'observedGeneration',
  'conditions',
] as const;

/** A plugin that a resource went to, as the status names it. */
export interface PluginReference extends PresentChoice {
  api: string;
  apiVersion: string;
}

/** What a plugin said of a base. Whatever is `undefined` is left as the same plugin said it before. */
export interface PluginStatement {
  plugin: PluginReference;
  status: StatusChange | undefined;
  conditions: readonly PluginCondition[] | undefined;
}

/** What one pass has to say in a base's status. */
export interface StatusReport {
  /** The controller's own conditions. One that isn't given is left as it is. */
  conditions: readonly ConditionContent[];
  /** What the plugins said; `undefined` when none was called, and what the status says of them is left as it is. */
  statements: readonly PluginStatement[] | undefined;
  /** What is kept for the base; `undefined`: what the status says of that is left as it is. */
  dependents?: JsonValue[] | undefined;
  /** Whether each statement stands under its plugin's name, as several plugins reconcile. */
  mode: 'one' | 'all';
}

/** The plugins that a base went to last, by its status. */
export function holdersOf(base: Resource): PresentChoice[] {
  const { status } = base;
  const entries = isObject(status?.implementations) ? Object.values(status.implementations) : [status];
  return entries.flatMap((entry) => {
    const plugin = isObject(entry) ? entry.plugin : undefined;
    if (!isObject(plugin)) return [];
    const { name, version } = plugin;
    return typeof name === 'string' && typeof version === 'string' ? [{ plugin: name, version }] : [];
  });
}

/** Writes a base's status anew: what the controller says, and beside it what the plugin did. Pure but for the clock. */
export function composeStatus(base: Resource, report: StatusReport, now: () => Date = () => new Date()): JsonObject {
  const { generation } = base.metadata;
  const former = readConditions(base.status);
  const given = report.conditions.map((content) => stamp(content, former, generation, now));
  const kept = former.filter((condition) => {
    return isControllerCondition(condition) && !given.some(({ type }) => type === condition.type);
  });
  const ofPlugins = pluginConditions(base, report).map((content) => stamp(content, former, generation, now));
  const { dependents: _, ...fields } = pluginFields(base, report);
  const dependents = report.dependents ?? base.status?.dependents;
  return {
    ...fields,
    ...(Array.isArray(dependents) && dependents.length > 0 && { dependents }),
    observedGeneration: generation,
    conditions: [...kept, ...given, ...ofPlugins].sort(byType) as unknown as JsonValue[],
  };
}

/** The fields in a plugin's status that are the controller's own and are passed over. One that says the same is no harm. */
export function reservedFieldsOf({ plugin, status }: PluginStatement): string[] {
  const fields = status?.fields ?? {};
  return controllerFields.filter((field) => {
    return Object.hasOwn(fields, field) && !(field === 'implementation' && fields[field] === plugin.plugin);
  });
}

function pluginFields(base: Resource, { statements, mode }: StatusReport): JsonObject {
  const { observedGeneration, conditions, ...former } = base.status ?? {};
  if (!statements) return former;
  const implementation = statements.map(({ plugin }) => plugin.plugin).join(',');
  if (mode === 'one') {
    const [statement] = statements;
    if (!statement) return former;
    const said = changeStatus(isHeldBy(base, statement) ? former : {}, statement.status);
    return { ...withoutControllerFields(said), implementation, plugin: describePlugin(statement.plugin) };
  }
  const formerly = isObject(former.implementations) ? former.implementations : {};
  const implementations: JsonObject = {};
  for (const { plugin, status } of statements) {
    const previous = formerly[plugin.plugin];
    const said = changeStatus(isObject(previous) ? previous : {}, status);
    implementations[plugin.plugin] = { ...withoutControllerFields(said), plugin: describePlugin(plugin) };
  }
  return { implementation, implementations };
}

function changeStatus(former: JsonObject, change: StatusChange | undefined): JsonObject {
  if (!change) return former;
  return change.way === 'merge' ? mergePatch(former, change.fields) : change.fields;
}

/** Conditions stand on the base whoever set them; with several plugins each has to choose types of its own. */
function pluginConditions(base: Resource, { statements }: StatusReport): ConditionContent[] {
  const former = readConditions(base.status).filter((condition) => !isControllerCondition(condition));
  if (!statements) return former;
  const said = new Map<string, ConditionContent>();
  for (const statement of statements) {
    const conditions = statement.conditions ?? (isHeldBy(base, statement) ? former : []);
    for (const condition of conditions) said.set(condition.type, condition);
  }
  return [...said.values()];
}

function isHeldBy(base: Resource, { plugin }: PluginStatement): boolean {
  return holdersOf(base).some((holder) => holder.plugin === plugin.plugin);
}

function describePlugin({ plugin, version, api, apiVersion }: PluginReference): JsonObject {
  return { name: plugin, version, api, apiVersion };
}

function withoutControllerFields(status: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(status).filter(([field]) => !(controllerFields as readonly string[]).includes(field)),
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byType(a: { type: string }, b: { type: string }): number {
  return a.type < b.type ? -1 : 1;
}

/** Whether a base's status says that it is ready. */
export function isReady(base: Resource): boolean {
  return findCondition(base.status, 'Ready')?.status === 'True';
}
