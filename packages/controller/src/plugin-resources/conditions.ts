import { limits } from '../limits/limits.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { type Condition, type ConditionContent, readConditions, stampCondition } from '../resources/conditions.ts';
import { cutText } from '../resources/cut-text.ts';
import type { DeclarationProblem } from '../resources/services/plugin-declarations.ts';
import type { ApiSummary, InstanceSummary } from './instance-summary.ts';

const maxMessageLength = limits.pluginResources.maxConditionLength;

/**
 * Composes the conditions of a plugin: whether it can be called, whether each of its APIs can, and whether it provides capabilities, if it
 * has any.
 *
 * @param problem current problem of a plugin that is probed.
 */
export function conditionsOf(instances: InstanceSummary, problem?: DeclarationProblem): ConditionContent[] {
  return [
    accessible(instances, problem),
    ...[...instances.apis].map(([name, api]) => implemented(name, api, instances.live > 0)),
    ...(instances.provided.size > 0 ? [provided(instances)] : []),
  ];
}

/** Describes the capabilities that instances provide, in one line: `database/postgresql 16, 17; messaging/nats 2`. */
export function describeProvided({ provided }: Pick<InstanceSummary, 'provided'>): string {
  const text = [...provided].map(([name, versions]) => `${name} ${[...versions].join(', ')}`).join('; ');
  return cutText(text, maxMessageLength);
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

function accessible({ size, live, first }: InstanceSummary, problem: DeclarationProblem | undefined): ConditionContent {
  const type = 'Accessible';
  if (live > 0) {
    const count = `${live} of ${size} instances get calls`;
    return { type, status: 'True', reason: 'Live', message: problem ? `${count}; ${problem.message}` : count };
  }
  if (problem) return { type, status: 'False', ...problem };
  return { type, status: 'False', reason: 'NoLiveInstance', message: first?.stateReason || 'no instance gets calls' };
}

function provided(instances: InstanceSummary): ConditionContent {
  const type = 'CapabilitiesProvided';
  const subject = describeProvided(instances);
  if (instances.live > 0) return { type, status: 'True', reason: 'Provided', message: subject };
  return { type, status: 'False', reason: 'NoLiveInstance', message: `${subject}, but no instance gets calls` };
}

function implemented(name: string, { versions, live, serving }: ApiSummary, anyLive: boolean): ConditionContent {
  const subject = `version ${[...versions].join(' and ')} of the API ${name} is implemented`;
  if (!anyLive) {
    return { type: name, status: 'False', reason: 'NoLiveInstance', message: `${subject}, but no instance gets calls` };
  }
  if (serving === 0) {
    const reporters = live === 1 ? 'its instance reports' : 'all instances report';
    const message = `${subject}, but ${reporters} that it isn't serving`;
    return { type: name, status: 'False', reason: 'NotServing', message };
  }
  const message = serving < live ? `${subject}, by ${serving} of ${live} instances now` : subject;
  return { type: name, status: 'True', reason: 'Implemented', message };
}
