import type { JsonObject } from '@kplug/controller';
import { objectOf, objectsIn, textsIn, textsOf } from './read-json.ts';

/** Label selector of the operators of the chart. */
export const operatorSelector = 'app.kubernetes.io/part-of=kplug,app.kubernetes.io/component=operator';

/** A pod of an operator, with its configuration. */
export interface OperatorPod {
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  serviceAccount: string;
  /** Namespace and release of its installation. */
  installation: string;
  /** Namespaces whose resources it follows; empty for all. */
  namespaces: readonly string[];
  /** Namespaces of declared plugins, besides its own. */
  pluginNamespaces: readonly string[];
  /** Namespaces from which plugins of the first Kplug are accepted. */
  insecureNamespaces: readonly string[];
  followsDelegations: boolean;
  /** True if users may attach plugins of their machines. */
  followsAttachments: boolean;
  /** Name among several operators; empty if it has none. */
  operatorName: string;
  electsLeader: boolean;
  leaseName: string;
  /** True if the heartbeat port is open to other machines, so that plugins prove their identities and TLS is used. */
  isSecured: boolean;
  /** Certificates of the operator that are kept in the cluster. */
  certificates: OperatorCertificates;
}

/** Certificates of an operator: its own ones and the CA that it publishes, by the name of the operator, or those of a Secret or a folder. */
export type OperatorCertificates =
  | { from: 'operator'; name: string; bundleNamespaces: readonly string[] }
  | { from: 'secret'; name: string }
  | { from: 'folder' };

/** Reads the flags and variables of a pod, but not its configuration file. Returns `undefined` for a pod that has ended. */
export function readOperatorPod(pod: JsonObject): OperatorPod | undefined {
  const { name, namespace, labels } = objectOf(pod.metadata);
  const spec = objectOf(pod.spec);
  const { phase } = objectOf(pod.status);
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const containers = objectsIn(spec.containers);
  const settings = settingsOf(containers.find((one) => one.name === 'operator') ?? containers[0] ?? {});
  const labelled = textsIn(labels);
  const isOn = (flag: string, fallback: boolean) => toggleOf(settings.get(flag), settings.get(`no-${flag}`), fallback);
  return {
    namespace,
    name,
    labels: labelled,
    serviceAccount: typeof spec.serviceAccountName === 'string' ? spec.serviceAccountName : 'default',
    installation: `${namespace}/${labelled['app.kubernetes.io/instance'] ?? ''}`,
    namespaces: settings.get('namespace') ?? [],
    pluginNamespaces: settings.get('plugin-namespace') ?? [],
    insecureNamespaces: (settings.get('insecure-plugins-from') ?? []).filter((source) => !/[.:]/.test(source)),
    followsDelegations: isOn('follow-delegations', true),
    followsAttachments: isOn('attachments', false),
    operatorName: settings.get('operator-name')?.at(-1) ?? '',
    electsLeader: isOn('enable-leader-election', false) || isOn('leader-elect', false),
    leaseName: settings.get('leader-election-lease-name')?.at(-1) ?? 'kplug',
    isSecured: !isLoopback(settings.get('grpc-bind-address')?.at(-1) ?? 'localhost:50050'),
    certificates: certificatesOf(settings),
  };
}

function isLoopback(address: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\]):/i.test(address);
}

function certificatesOf(settings: ReadonlyMap<string, string[]>): OperatorCertificates {
  if (settings.has('tls-cert-dir')) return { from: 'folder' };
  const secret = settings.get('tls-secret-name')?.at(-1);
  if (secret !== undefined) return { from: 'secret', name: secret };
  return {
    from: 'operator',
    name: settings.get('tls-name')?.at(-1) ?? 'kplug',
    bundleNamespaces: settings.get('tls-ca-namespace') ?? [],
  };
}

/** Returns the values of flags by their names without dashes. A variable counts if its flag is not given. */
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

function toggleOf(given: readonly string[] | undefined, negated: readonly string[] | undefined, fallback: boolean) {
  if (negated) return false;
  return given ? given.at(-1) !== 'false' : fallback;
}
