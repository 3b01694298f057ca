import { parseKey } from '@kplug/controller';
import { type Candidate, ConditionStatus, type DelegatedResource, type Delegation } from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { plain } from '../output/table.ts';
import { kplugCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { similarTo } from './similar.ts';

/** Example for an operator without delegations. */
const example = `delegations:
  - name: tables
    base: { apiVersion: myorg.org/v1alpha1, kind: DatabaseTable }
    api: DatabaseTable@^1.0.0`;

/**
 * Checks that each delegation has resources, that plugins can reconcile them, and that they are ready.
 *
 * @param heartbeat `host:port` of the heartbeat port, if it is known.
 */
export function checkDelegations(
  { delegations, resources, instances }: OperatorView,
  choice: OperatorChoice,
  heartbeat: string | undefined,
): Finding[] {
  if (!delegations.value) return [];
  if (delegations.value.length === 0) {
    const advice = `declare a delegation in the operator's configuration file or as a Delegation:\n${example}`;
    return [new Check('Delegates', 'delegations').warning('the operator has no delegations', advice)];
  }
  const apis = (instances.value ?? []).flatMap(({ registration }) => registration?.apis.map(({ name }) => name) ?? []);
  return delegations.value.flatMap((delegation) => {
    const own = resources.value?.filter((resource) => resource.delegation === delegation.name);
    return [
      checkReading(delegation),
      checkPlugins(delegation, apis, heartbeat),
      ...(own ? checkReady(delegation, own, choice) : [untried(delegation, resources.failure ?? '')]),
    ];
  });
}

function aboutOf({ name }: Delegation): string {
  return `delegation ${name}`;
}

function checkReading(delegation: Delegation): Finding {
  const { kind, apiVersion, problemReason, problemMessage, resources } = delegation;
  const isMissing = problemReason === 'KindNotFound';
  const name = isMissing ? 'KindExists' : isWriteProblem(problemReason) ? 'ResourcesWritten' : 'ResourcesRead';
  const check = new Check(name, aboutOf(delegation));
  if (problemReason) return check.problemFrom(plain(problemMessage));
  return check.ok(`${kind} (${apiVersion}): ${resources} ${resources === 1 ? 'resource' : 'resources'}`);
}

/** Reports whether the problem of a delegation is about writing resources, not about reading them. */
function isWriteProblem(reason: string): boolean {
  return reason === 'StorageFailed' || reason === 'InvalidResponse';
}

function checkPlugins(delegation: Delegation, apis: readonly string[], heartbeat: string | undefined): Finding {
  const { pluginApi, pluginApiRange, candidates } = delegation;
  const check = new Check('PluginAvailable', aboutOf(delegation));
  const wanted = `${pluginApi}@${pluginApiRange || '*'}`;
  const able = candidates.filter(({ chosen }) => chosen);
  if (able.length > 0) {
    return check.ok(`${able.map(nameOf).join(', ')} ${able.length === 1 ? 'implements' : 'implement'} ${wanted}`);
  }
  if (candidates.length > 0) {
    const reasons = [...Map.groupBy(candidates, ({ message }) => plain(message))];
    const others = reasons.map(([reason, group]) => `${group.map(nameOf).sort().join(', ')}: ${reason}`).join('; ');
    const advice = new Set(candidates.map(adviceOn));
    return check.problem(`no plugin that can be selected implements ${wanted} (${others})`, ...advice);
  }
  const message = `no plugin implements ${pluginApi}`;
  const similar = similarTo(pluginApi, apis);
  if (similar.length > 0) {
    const registered = `registered plugins implement the similar ${similar.join(' and ')}`;
    return check.problem(
      `${message}; ${registered}`,
      `correct "api: ${wanted}" in the delegation, or the plugin's API`,
    );
  }
  const known = [...new Set(apis)].sort().join(', ');
  const registered = known ? `registered plugins implement ${known}` : 'no plugin is registered';
  const variable =
    heartbeat === undefined
      ? "KPLUG_CONTROLLER=HOST:PORT, the operator's heartbeat address"
      : `KPLUG_CONTROLLER=${heartbeat}`;
  return check.problem(
    `${message}; ${registered}`,
    `start a plugin of that API, with ${variable}; its log contains the reason if it is refused`,
  );
}

function nameOf({ plugin, version }: Candidate): string {
  return `${plugin} ${version}`;
}

function adviceOn({ reason, plugin }: Candidate): string {
  switch (reason) {
    case 'ApiVersionMismatch':
      return `widen the version range in "api" of the delegation, or run a plugin of a version in that range`;
    case 'CapabilityMissing':
      return `remove the capability from "selection.capabilities" of the delegation, or run a plugin that has it`;
    case 'NotServing':
      return `check the log of ${plugin}: its health service reports the API as not serving`;
    case 'Draining':
      return `restart ${plugin}: all its instances are draining`;
    default:
      return `make the address of ${plugin} reachable from the operator`;
  }
}

function untried(delegation: Delegation, reason: string): Finding {
  return new Check('ResourcesReady', aboutOf(delegation)).notTried(`readiness of its resources: ${reason}`);
}

function checkReady(
  delegation: Delegation,
  resources: readonly DelegatedResource[],
  choice: OperatorChoice,
): Finding[] {
  const check = new Check('ResourcesReady', aboutOf(delegation));
  const waiting = resources.filter(({ ready }) => ready !== ConditionStatus.TRUE);
  if (resources.length === 0) return [];
  if (waiting.length === 0) {
    return [check.ok(resources.length === 1 ? 'its resource is ready' : `all ${resources.length} resources are ready`)];
  }
  return [...Map.groupBy(waiting, ({ readyReason }) => readyReason)].map(([reason, group]) => {
    const [first] = group;
    const { kind, namespace, name } = parseKey(first?.key ?? '');
    const words = ['explain', `${kind}/${name}`, ...(namespace ? ['-n', namespace] : [])];
    const place = namespace ? `${namespace}/${name}` : name;
    const which = group.length === 1 ? '1 resource is not ready' : `${group.length} resources are not ready`;
    const details = plain(first?.readyMessage ?? '');
    const message = `${which}: ${reason || 'not reconciled yet'}, such as ${place}${details && `: ${details}`}`;
    const advice = kplugCommand(choice, ...words);
    const isFailing = group.some(({ ready }) => ready === ConditionStatus.FALSE);
    return isFailing ? check.problem(message, advice) : check.warning(message, advice);
  });
}
