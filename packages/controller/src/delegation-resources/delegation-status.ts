import type { Delegation } from '../delegation/delegation.ts';
import { describeWriteProblems } from '../delegation/writes/write-problem.ts';
import { formatPlugin } from '../names.ts';
import type { Registry } from '../registry/registry.ts';
import { type ConditionContent, readConditions, stampCondition } from '../resources/conditions.ts';
import type { KindProblem } from '../resources/port.ts';
import type { JsonObject, Resource } from '../resources/resource.ts';
import { select } from '../selection/select.ts';

/** Findings about a `Delegation` resource and the delegation that runs for it. */
export interface DelegationFindings {
  /** Reason why it isn't accepted; `undefined` when it is. */
  refusal: { reason: string; message: string } | undefined;
  /** `undefined` when no delegation runs for it. */
  running: Delegation | undefined;
  /** Reason why resources of the base's kind can't be read. */
  problem: KindProblem | undefined;
  /** Rights that the operator lacks, in words. `undefined` when they are unknown. */
  missingRights: readonly string[] | undefined;
  registry: Registry;
}

/** Composes the status of a `Delegation` resource. Pure but for the clock. */
export function composeDelegationStatus(
  resource: Resource,
  findings: DelegationFindings,
  now: () => Date = () => new Date(),
): JsonObject {
  const { running } = findings;
  const conditions = [acceptedCondition(findings), ...(running ? conditionsOf(running, findings) : [])];
  const failing = conditions.find(({ status }) => status !== 'True');
  const ready: ConditionContent = failing
    ? { ...failing, type: 'Ready', status: 'False' }
    : { type: 'Ready', status: 'True', reason: 'Delegating', message: 'resources are delegated' };
  const former = readConditions(resource.status);
  const observedGeneration = resource.metadata.generation;
  const stamped = [...conditions, ready].map((content) => stampCondition(content, former, { observedGeneration, now }));
  return {
    observedGeneration,
    ready: ready.status,
    ...(running && countsOf(running, findings.registry)),
    conditions: stamped,
  };
}

/** Composes the status of a `Delegation` resource that is being deleted, until its resources have been released. */
export function composeReleasingStatus(
  resource: Resource,
  remaining: number,
  now: () => Date = () => new Date(),
): JsonObject {
  const message = `${remaining} ${remaining === 1 ? 'resource has' : 'resources have'} yet to be released`;
  const content: ConditionContent = { type: 'Ready', status: 'False', reason: 'Releasing', message };
  const observedGeneration = resource.metadata.generation;
  const stamped = stampCondition(content, readConditions(resource.status), { observedGeneration, now });
  return { observedGeneration, ready: 'False', conditions: [stamped] };
}

function acceptedCondition({ refusal }: DelegationFindings): ConditionContent {
  if (refusal) return { type: 'Accepted', status: 'False', ...refusal };
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the declaration is valid and in effect' };
}

function conditionsOf(running: Delegation, findings: DelegationFindings): ConditionContent[] {
  const { settings } = running;
  const { problem, missingRights, registry } = findings;
  const kind = `${settings.base.kind} (${settings.base.apiVersion})`;
  return [
    kindCondition(kind, problem),
    permittedCondition(problem, missingRights),
    writesCondition(running),
    pluginsCondition(settings, registry),
  ];
}

function kindCondition(kind: string, problem: KindProblem | undefined): ConditionContent {
  if (problem?.reason === 'KindNotFound') return { type: 'KindFound', status: 'False', ...problem };
  if (problem?.reason === 'Unreachable') return { type: 'KindFound', status: 'Unknown', ...problem };
  return { type: 'KindFound', status: 'True', reason: 'Found', message: `${kind} is served` };
}

function permittedCondition(
  problem: KindProblem | undefined,
  missingRights: readonly string[] | undefined,
): ConditionContent {
  if (problem?.reason === 'Forbidden') return { type: 'Permitted', status: 'False', ...problem };
  if (!missingRights) {
    const message = "failed to review the operator's permissions with the API server; retrying";
    return { type: 'Permitted', status: 'Unknown', reason: 'Unreachable', message };
  }
  if (missingRights.length === 0) {
    return {
      type: 'Permitted',
      status: 'True',
      reason: 'Permitted',
      message: 'the operator has the required permissions',
    };
  }
  return { type: 'Permitted', status: 'False', reason: 'Forbidden', message: missingRights.join('; ') };
}

function writesCondition({ writeProblems }: Delegation): ConditionContent {
  const problem = describeWriteProblems(writeProblems);
  if (problem) return { type: 'WritesSucceed', status: 'False', ...problem };
  return {
    type: 'WritesSucceed',
    status: 'True',
    reason: 'Succeeding',
    message: 'resources are not held by failed writes',
  };
}

function pluginsCondition(settings: Delegation['settings'], registry: Registry): ConditionContent {
  const available = availablePlugins(settings, registry);
  const wanted = `${settings.api}@${settings.rules.apiRange.raw}`;
  if (available.length > 0) {
    const message = `${available.join(', ')} ${available.length === 1 ? 'implements' : 'implement'} ${wanted}`;
    return { type: 'PluginsAvailable', status: 'True', reason: 'Available', message };
  }
  const known = registry.implementations(settings.api).map(formatPlugin);
  const others = known.length > 0 ? `; registered: ${known.join(', ')}` : '';
  const message = `no callable plugin implements ${wanted}${others}`;
  return { type: 'PluginsAvailable', status: 'False', reason: 'NoPlugin', message };
}

/** Returns the plugins that a resource of the delegation could prefer now. */
function availablePlugins({ api, rules }: Delegation['settings'], registry: Registry): string[] {
  const open = { ...rules, mode: 'all', fallback: 'any' } as const;
  const { chosen } = select(registry.implementations(api), open, { preference: undefined, present: [] });
  return chosen.map(formatPlugin).sort();
}

function countsOf({ settings, counts: { total, ready } }: Delegation, registry: Registry): JsonObject {
  const plugins = availablePlugins(settings, registry).length;
  return { resources: total, readyResources: ready, resourceCount: `${ready}/${total}`, plugins };
}
