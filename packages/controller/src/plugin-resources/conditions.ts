import { limits } from '../limits/limits.ts';
import type { Instance } from '../registry/instance.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { type Condition, type ConditionContent, readConditions, stampCondition } from '../resources/conditions.ts';
import type { DeclarationProblem } from '../resources/services/plugin-declarations.ts';

/** The message of a condition may hold the last output of a process. */
const maxMessageLength = limits.pluginResources.maxConditionLength;

/**
 * Composes the conditions of a plugin: whether it can be called, and whether each of its APIs can.
 *
 * @param problem current problem of a plugin that is probed.
 */
export function conditionsOf(instances: readonly Instance[], problem?: DeclarationProblem): ConditionContent[] {
  const live = instances.filter(({ state }) => state === 'live');
  return [accessible(instances, live, problem), ...apisOf(instances).map((api) => implemented(api, live))];
}

/** Completes conditions for writing. The time of the last transition stays as long as the status does. */
export function stampConditions(contents: readonly ConditionContent[], former: PluginRecord | undefined): Condition[] {
  const formerConditions = readConditions(former?.status);
  return contents.map((content) => stampCondition(content, formerConditions, { maxMessageLength }));
}

/** Returns the conditions of a record, changed for a plugin without instances. */
export function withoutInstance({ status }: PluginRecord): ConditionContent[] {
  const message = 'no instance is registered';
  return readConditions(status).map(({ type }) => ({ type, status: 'False', reason: 'NoInstance', message }));
}

/** Returns the APIs that instances implement, with their versions, in order of appearance. */
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
): ConditionContent {
  const type = 'Accessible';
  if (live.length > 0) {
    const count = `${live.length} of ${instances.length} instances get calls`;
    return { type, status: 'True', reason: 'Live', message: problem ? `${count}; ${problem.message}` : count };
  }
  if (problem) return { type, status: 'False', ...problem };
  const [first] = instances;
  return { type, status: 'False', reason: 'NoLiveInstance', message: first?.stateReason || 'no instance gets calls' };
}

function implemented(
  { name, versions }: { name: string; versions: readonly string[] },
  live: readonly Instance[],
): ConditionContent {
  const subject = `version ${versions.join(' and ')} of the API ${name} is implemented`;
  if (live.length === 0) {
    return { type: name, status: 'False', reason: 'NoLiveInstance', message: `${subject}, but no instance gets calls` };
  }
  const able = live.filter(({ registration }) => registration.apis.some((api) => api.name === name));
  const serving = able.filter(({ unserved }) => !unserved.has(name));
  if (serving.length === 0) {
    const reporters = able.length === 1 ? 'its instance reports' : 'all instances report';
    const message = `${subject}, but ${reporters} that it isn't serving`;
    return { type: name, status: 'False', reason: 'NotServing', message };
  }
  const isPartial = serving.length < able.length;
  const message = isPartial ? `${subject}, by ${serving.length} of ${able.length} instances now` : subject;
  return { type: name, status: 'True', reason: 'Implemented', message };
}
