import type { DeclaredPlugin, FoundEndpoints, JsonObject, ServiceReference } from '@kplug/controller';
import type { OperatorChoice } from '../operator/operator-place.ts';
import type { Answer } from './answer.ts';
import { type ClusterView, ownPods } from './cluster-view.ts';
import { kubectlCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf, objectsIn, textsIn } from './read-json.ts';

/** The label of the leader's pod. */
const leaderLabel = 'kplug.dev/role';

/** The port that plugins beat to, as the chart names and numbers it. */
const heartbeat = { name: 'heartbeat', number: 50050 };

/** A Service that leads somewhere, or should. */
export interface LeadingService {
  namespace: string;
  service: ServiceReference;
  /** Who is meant to be behind it, for people. */
  purpose: string;
  check: 'HeartbeatService' | 'PluginService';
  found: Answer<FoundEndpoints>;
  /** The plugin that it was declared for, if it was. */
  plugin?: DeclaredPlugin;
}

/** The Services of the operator's namespace that are meant for heartbeats. */
export function heartbeatServices(view: ClusterView): ServiceReference[] {
  const pods = ownPods(view);
  return (view.services.value ?? []).flatMap(({ metadata, spec }) => {
    const { name, labels } = objectOf(metadata);
    const said = textsIn(labels);
    const ofChart = said['app.kubernetes.io/part-of'] === 'kplug' && said['app.kubernetes.io/component'] === 'operator';
    const port = objectsIn(objectOf(spec).ports).find(isForHeartbeats);
    const selector = withoutLeader(textsIn(objectOf(spec).selector));
    const selects = pods.some((pod) => Object.keys(selector).length > 0 && isSelected(pod.labels, selector));
    if (typeof name !== 'string' || said['kplug.dev/endpoint'] !== undefined) return [];
    if (!ofChart && !(selects && port)) return [];
    const reference = typeof port?.name === 'string' ? port.name : Number(port?.port ?? heartbeat.number);
    return [{ name, port: port ? reference : heartbeat.name }];
  });
}

/** The number of a port that is meant by its name or number. */
export function portOf({ services }: ClusterView, { name, port }: ServiceReference): number {
  const service = services.value?.find(({ metadata }) => objectOf(metadata).name === name);
  const found = objectsIn(objectOf(service?.spec).ports).find((one) => one.name === port || one.port === port);
  return Number(found?.port ?? heartbeat.number);
}

function isForHeartbeats({ name, port, targetPort }: JsonObject): boolean {
  return name === heartbeat.name || targetPort === heartbeat.name || [port, targetPort].includes(heartbeat.number);
}

function withoutLeader({ [leaderLabel]: _, ...selector }: Record<string, string>): Record<string, string> {
  return selector;
}

function isSelected(labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** Whether plugins find the operator. */
export function checkHeartbeatServices(
  view: ClusterView,
  services: readonly LeadingService[],
  choice: OperatorChoice,
): Finding[] {
  const check = new Check('HeartbeatService', 'services');
  if (view.services.failure !== undefined) return [check.notTried(`where plugins beat to: ${view.services.failure}`)];
  if (services.length > 0) return services.flatMap((service) => checkService(view, service, choice));
  if (ownPods(view).length === 0) return [];
  const message = `no Service in ${view.namespace} leads to the operator's port for heartbeats`;
  return [
    check.warning(
      message,
      'make one as the chart does (charts/kplug/templates/service.yaml), or plugins elsewhere find no operator',
    ),
  ];
}

/** Whether a Service has the port, and pods behind it that are ready. */
export function checkService(view: ClusterView, service: LeadingService, choice: OperatorChoice): Finding[] {
  const { namespace, service: reference, purpose, check: name, found } = service;
  const check = new Check(name, 'services');
  const what = `${namespace}/${reference.name} (${purpose})`;
  if (!found.value) return [check.notTried(`${what}: ${found.failure}`)];
  const { endpoints, problem } = found.value;
  if (!problem) {
    const ready = endpoints.filter(({ state }) => state === 'ready').length;
    return [check.ok(`${what} has ${ready} ${ready === 1 ? 'endpoint that is' : 'endpoints that are'} ready`)];
  }
  const advice = adviceOn(view, service, problem.reason, choice);
  return [check.told(`${what}: ${problem.message}`, ...advice)];
}

function adviceOn(
  view: ClusterView,
  { namespace, service: { name } }: LeadingService,
  reason: string,
  choice: OperatorChoice,
): string[] {
  const selector = selectorOf(view, namespace, name);
  if (reason === 'ServiceSelectsNothing' && selector) return adviceOnSelector(view, namespace, selector, choice);
  if (reason === 'NoReadyEndpoint' && selector) {
    const labels = Object.entries(selector)
      .map(([label, value]) => `${label}=${value}`)
      .join(',');
    return [kubectlCommand(choice, 'describe', 'pods', '-n', namespace, '-l', labels)];
  }
  return [kubectlCommand(choice, 'describe', 'service', name, '-n', namespace)];
}

function adviceOnSelector(
  view: ClusterView,
  namespace: string,
  selector: Record<string, string>,
  choice: OperatorChoice,
): string[] {
  const show = kubectlCommand(choice, 'get', 'pods', '-n', namespace, '--show-labels');
  const pods = (view.pods.value ?? []).map((pod) => textsIn(objectOf(pod.metadata).labels));
  const { [leaderLabel]: leader } = selector;
  if (leader !== undefined && pods.some((labels) => isSelected(labels, withoutLeader(selector)))) {
    return [`no pod has the label ${leaderLabel}=${leader}: no operator leads, or it may not patch pods`, show];
  }
  const labels = Object.keys(selector).flatMap((label) => {
    const values = [...new Set(pods.flatMap((one) => one[label] ?? []))].filter((value) => value !== selector[label]);
    return values.length > 0 ? [`${label}: ${values.sort().join(' or ')}`] : [];
  });
  const there = labels.length > 0 ? [`pods there have ${labels.join(', ')}; correct the selector or the labels`] : [];
  return [...there, show];
}

/** What a Service of the operator's own namespace selects; nothing for one elsewhere, or without a selector. */
function selectorOf({ namespace: own, services }: ClusterView, namespace: string, name: string) {
  if (namespace !== own) return undefined;
  const service = services.value?.find(({ metadata }) => objectOf(metadata).name === name);
  const selector = textsIn(objectOf(service?.spec).selector);
  return Object.keys(selector).length > 0 ? selector : undefined;
}

/** Whether the operator looks for declared plugins where this one is. Without a pod of it nobody knows. */
export function isLookedFor(view: ClusterView, { namespace }: DeclaredPlugin): boolean {
  const [pod] = ownPods(view);
  return !pod || namespace === pod.namespace || pod.pluginNamespaces.includes(namespace);
}

/** Whether the plugins that don't beat are where the operator looks, and can be called. */
export function checkDeclaredPlugins(view: ClusterView, services: readonly LeadingService[]): Finding[] {
  const check = new Check('DeclaredPlugin', 'services');
  if (!view.declared.value) return [check.notTried(`plugins that don't beat: ${view.declared.failure}`)];
  return view.declared.value.flatMap((plugin) => {
    const { kind, namespace, name, accessible } = plugin;
    const what = `the ${kind} ${namespace}/${name}`;
    if (!isLookedFor(view, plugin)) {
      const message = `${what} declares a plugin, but the operator in ${view.namespace} doesn't look there`;
      return [check.warning(message, `run it with --plugin-namespace ${namespace} (pluginNamespaces in the chart)`)];
    }
    // Of a Service that leads nowhere is told already.
    const leadsNowhere = services.some((service) => service.plugin === plugin && service.found.value?.problem);
    if (accessible?.status !== 'False' || leadsNowhere) return [];
    return [check.told(`${what} can't be called (${accessible.reason}): ${accessible.message}`)];
  });
}
