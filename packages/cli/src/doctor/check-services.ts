import type { JsonObject } from '@kplug/controller';
import type { DeclaredPlugin, FoundEndpoints, ServiceReference } from '@kplug/controller/tools';
import type { OperatorChoice } from '../operator/operator-place.ts';
import type { Answer } from './answer.ts';
import { type ClusterView, ownPods } from './cluster-view.ts';
import { kubectlCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf, objectsIn, textsIn } from './read-json.ts';

/** Label of the leader's pod. */
const leaderLabel = 'kplug.dev/role';

/** Heartbeat port of the chart. */
const heartbeat = { name: 'heartbeat', number: 50050 };

/** A Service for heartbeats or for a plugin. */
export interface CheckedService {
  namespace: string;
  service: ServiceReference;
  /** Purpose of the Service, for messages. */
  purpose: string;
  check: 'HeartbeatService' | 'PluginService';
  found: Answer<FoundEndpoints>;
  /** Plugin that declares the Service, if one does. */
  plugin?: DeclaredPlugin;
}

/** Returns the Services for heartbeats in the operator's namespace. */
export function heartbeatServices(view: ClusterView): ServiceReference[] {
  const pods = ownPods(view);
  return (view.services.value ?? []).flatMap(({ metadata, spec }) => {
    const { name, labels } = objectOf(metadata);
    const own = textsIn(labels);
    const ofChart = own['app.kubernetes.io/part-of'] === 'kplug' && own['app.kubernetes.io/component'] === 'operator';
    const port = objectsIn(objectOf(spec).ports).find(isForHeartbeats);
    const selector = withoutLeader(textsIn(objectOf(spec).selector));
    const selects = pods.some((pod) => Object.keys(selector).length > 0 && isSelected(pod.labels, selector));
    if (typeof name !== 'string' || own['kplug.dev/endpoint'] !== undefined) return [];
    if (!ofChart && !(selects && port)) return [];
    const reference = typeof port?.name === 'string' ? port.name : Number(port?.port ?? heartbeat.number);
    return [{ name, port: port ? reference : heartbeat.name }];
  });
}

/** Returns the number of a port that is given by its name or number. */
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

/** Checks that plugins can reach the operator by a Service. */
export function checkHeartbeatServices(
  view: ClusterView,
  services: readonly CheckedService[],
  choice: OperatorChoice,
): Finding[] {
  const check = new Check('HeartbeatService', 'services');
  if (view.services.failure !== undefined) return [check.notTried(`heartbeat Services: ${view.services.failure}`)];
  if (services.length > 0) return services.flatMap((service) => checkService(view, service, choice));
  if (ownPods(view).length === 0) return [];
  const message = `no Service in ${view.namespace} selects the operator's heartbeat port`;
  return [
    check.warning(
      message,
      'create one as in charts/kplug/templates/service.yaml, so that plugins in other pods can reach the operator',
    ),
  ];
}

/** Checks that a Service has the port and ready endpoints. */
export function checkService(view: ClusterView, service: CheckedService, choice: OperatorChoice): Finding[] {
  const { namespace, service: reference, purpose, check: name, found } = service;
  const check = new Check(name, 'services');
  const what = `${namespace}/${reference.name} (${purpose})`;
  if (!found.value) return [check.notTried(`${what}: ${found.failure}`)];
  const { endpoints, problem } = found.value;
  if (!problem) {
    const ready = endpoints.filter(({ state }) => state === 'ready').length;
    return [check.ok(`${what} has ${ready} ready ${ready === 1 ? 'endpoint' : 'endpoints'}`)];
  }
  const advice = adviceOn(view, service, problem.reason, choice);
  return [check.problemFrom(`${what}: ${problem.message}`, ...advice)];
}

function adviceOn(
  view: ClusterView,
  { namespace, service: { name } }: CheckedService,
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
    return [
      `no pod has the label ${leaderLabel}=${leader}: no operator leads, or it lacks permission to patch pods`,
      show,
    ];
  }
  const labels = Object.keys(selector).flatMap((label) => {
    const values = [...new Set(pods.flatMap((one) => one[label] ?? []))].filter((value) => value !== selector[label]);
    return values.length > 0 ? [`${label}: ${values.sort().join(' or ')}`] : [];
  });
  const found = labels.length > 0 ? [`its pods have ${labels.join(', ')}; correct the selector or the labels`] : [];
  return [...found, show];
}

/** Returns the selector of a Service in the operator's namespace; `undefined` for other Services or an empty selector. */
function selectorOf({ namespace: own, services }: ClusterView, namespace: string, name: string) {
  if (namespace !== own) return undefined;
  const service = services.value?.find(({ metadata }) => objectOf(metadata).name === name);
  const selector = textsIn(objectOf(service?.spec).selector);
  return Object.keys(selector).length > 0 ? selector : undefined;
}

/** Reports whether the operator follows the namespace of a declared plugin. Assumes so when no pod was found. */
export function isFollowed(view: ClusterView, { namespace }: DeclaredPlugin): boolean {
  const [pod] = ownPods(view);
  return !pod || namespace === pod.namespace || pod.pluginNamespaces.includes(namespace);
}

/** Checks that the operator follows and can call the plugins that send no heartbeats. */
export function checkDeclaredPlugins(view: ClusterView, services: readonly CheckedService[]): Finding[] {
  const check = new Check('DeclaredPlugin', 'services');
  if (!view.declared.value) return [check.notTried(`plugins that send no heartbeats: ${view.declared.failure}`)];
  return view.declared.value.flatMap((plugin) => {
    const { kind, namespace, name, accessible } = plugin;
    const what = `the ${kind} ${namespace}/${name}`;
    if (!isFollowed(view, plugin)) {
      const message = `${what} declares a plugin, but the operator in ${view.namespace} does not follow that namespace`;
      return [check.warning(message, `run it with --plugin-namespace ${namespace} (pluginNamespaces in the chart)`)];
    }
    // A broken Service has its own finding.
    const hasBrokenService = services.some((service) => service.plugin === plugin && service.found.value?.problem);
    if (accessible?.status !== 'False' || hasBrokenService) return [];
    return [check.problemFrom(`${what} is not accessible (${accessible.reason}): ${accessible.message}`)];
  });
}
