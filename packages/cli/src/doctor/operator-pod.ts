import type { JsonObject } from '@kplug/controller';
import { objectOf, objectsIn, textsIn, textsOf } from './read-json.ts';

/** By these labels the pods of any operator of the chart are found. */
export const operatorSelector = 'app.kubernetes.io/part-of=kplug,app.kubernetes.io/component=operator';

/** A pod of an operator, and how that was told to run. */
export interface OperatorPod {
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  serviceAccount: string;
  /** Which installation it belongs to: its release, in its namespace. */
  installation: string;
  /** The namespaces whose resources it follows; empty for all. */
  namespaces: readonly string[];
  /** Where plugins that don't beat are declared, beside its own namespace. */
  pluginNamespaces: readonly string[];
  followsDelegations: boolean;
  /** Which of several operators it is; empty for the one without a name. */
  operatorName: string;
  electsLeader: boolean;
  leaseName: string;
}

/** Reads a pod of an operator; nothing for one that has ended. Only its flags and variables count, not its configuration file. */
export function readOperatorPod(pod: JsonObject): OperatorPod | undefined {
  const { name, namespace, labels } = objectOf(pod.metadata);
  const spec = objectOf(pod.spec);
  const { phase } = objectOf(pod.status);
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const containers = objectsIn(spec.containers);
  const settings = settingsOf(containers.find((one) => one.name === 'operator') ?? containers[0] ?? {});
  const labelled = textsIn(labels);
  const isOn = (flag: string, otherwise: boolean) =>
    toggleOf(settings.get(flag), settings.get(`no-${flag}`), otherwise);
  return {
    namespace,
    name,
    labels: labelled,
    serviceAccount: typeof spec.serviceAccountName === 'string' ? spec.serviceAccountName : 'default',
    installation: `${namespace}/${labelled['app.kubernetes.io/instance'] ?? ''}`,
    namespaces: settings.get('namespace') ?? [],
    pluginNamespaces: settings.get('plugin-namespace') ?? [],
    followsDelegations: isOn('follow-delegations', true),
    operatorName: settings.get('operator-name')?.at(-1) ?? '',
    electsLeader: isOn('enable-leader-election', false) || isOn('leader-elect', false),
    leaseName: settings.get('leader-election-lease-name')?.at(-1) ?? 'kplug',
  };
}

/** Flags by their names without dashes, with each value given; a variable counts where its flag isn't given. */
function settingsOf({ args, command, env }: JsonObject): ReadonlyMap<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const [flag, value] of flagsIn([...textsOf(command), ...textsOf(args)])) {
    settings.set(flag, [...(settings.get(flag) ?? []), ...value.split(',')]);
  }
  for (const { name, value } of objectsIn(env)) {
    const [, variable] = /^KPLUG_(\w+)$/.exec(String(name)) ?? [];
    const flag = variable?.toLowerCase().replaceAll('_', '-');
    if (flag !== undefined && typeof value === 'string' && !settings.has(flag)) settings.set(flag, value.split(','));
  }
  return settings;
}

function flagsIn(words: readonly string[]): [flag: string, value: string][] {
  return words.flatMap((word, index) => {
    const [, long, value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = word === '-n' ? 'namespace' : long;
    if (flag === undefined) return [];
    const next = words[index + 1] ?? '-';
    const given: [string, string] = [flag, value ?? (next.startsWith('-') ? 'true' : next)];
    return [given];
  });
}

function toggleOf(given: readonly string[] | undefined, negated: readonly string[] | undefined, otherwise: boolean) {
  if (negated) return false;
  return given ? given.at(-1) !== 'false' : otherwise;
}
