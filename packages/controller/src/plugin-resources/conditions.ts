import type { Instance } from '../registry/instance.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import type { JsonObject } from '../resources/resource.ts';
import type { DeclarationProblem } from '../resources/services/plugin-declarations.ts';
import { asArray, asObject } from './read-json.ts';

/** A condition of a `Plugin`, as Kubernetes has them. */
export interface PluginCondition extends JsonObject {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/**
 * Whether a plugin can be called, and whether each of its APIs can.
 *
 * @param problem what is wrong where a plugin was asked what it is, for as long as that is so.
 */
export function conditionsOf(instances: readonly Instance[], problem?: DeclarationProblem): PluginCondition[] {
  const live = instances.filter(({ state }) => state === 'live');
  return [accessible(instances, live, problem), ...apisOf(instances).map((api) => implemented(api, live))];
}

/** The time of the last transition is kept as long as the status is. */
export function stampCondition(condition: PluginCondition, former: PluginRecord | undefined): PluginCondition {
  const previous = former && readConditions(former.status).find(({ type }) => type === condition.type);
  const isSame = previous?.status === condition.status && typeof previous.lastTransitionTime === 'string';
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { ...condition, lastTransitionTime: isSame ? previous.lastTransitionTime : now };
}

/** The conditions of a status. What can't be read is left out. */
export function readConditions(status: JsonObject): PluginCondition[] {
  return asArray(status.conditions).flatMap((kept) => {
    const { type, status: holds, reason, message, lastTransitionTime } = asObject(kept);
    if (typeof type !== 'string') return [];
    const condition = { type, status: String(holds), reason: String(reason), message: String(message) };
    return [{ ...condition, ...(typeof lastTransitionTime === 'string' && { lastTransitionTime }) }];
  });
}

/** The APIs that instances implement, with their versions, in the order of the first that has it. */
export function apisOf(instances: readonly Instance[]): { name: string; versions: string[] }[] {
  const apis = new Map<string, Set<string>>();
  for (const { registration } of instances) {
    for (const { name, version } of registration.apis) {
      const versions = apis.get(name) ?? new Set();
      apis.set(name, versions.add(version.version));
    }
  }
  return [...apis].map(([name, versions]) => ({ name, versions: [...versions] }));
}

function accessible(
  instances: readonly Instance[],
  live: readonly Instance[],
  problem: DeclarationProblem | undefined,
): PluginCondition {
  const type = 'Accessible';
  if (live.length > 0) {
    const count = `${live.length} of ${instances.length} instances get calls`;
    return { type, status: 'True', reason: 'Live', message: problem ? `${count}; ${problem.message}` : count };
  }
  if (problem) return { type, status: 'False', ...problem };
  const doubtful = instances.find(({ state }) => state !== 'live');
  const message = doubtful?.stateReason || 'no instance gets calls';
  return { type, status: 'False', reason: 'NoLiveInstance', message };
}

function implemented(
  { name, versions }: { name: string; versions: readonly string[] },
  live: readonly Instance[],
): PluginCondition {
  const what = `version ${versions.join(' and ')} of the API ${name} is implemented`;
  if (live.length === 0) {
    return { type: name, status: 'False', reason: 'NoLiveInstance', message: `${what}, but no instance gets calls` };
  }
  const able = live.filter(({ registration }) => registration.apis.some((api) => api.name === name));
  const serving = able.filter(({ unserved }) => !unserved.has(name));
  if (serving.length === 0) {
    const message = `${what}, but ${able.length === 1 ? 'its instance reports' : 'all instances report'} that it isn't serving`;
    return { type: name, status: 'False', reason: 'NotServing', message };
  }
  const message = serving.length < able.length ? `${what}, by ${serving.length} of ${able.length} instances now` : what;
  return { type: name, status: 'True', reason: 'Implemented', message };
}
