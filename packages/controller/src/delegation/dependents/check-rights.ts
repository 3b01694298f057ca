import type { CheckedManifest } from '../../resources/check-manifest.ts';
import { isJsonObject } from '../../resources/json.ts';
import type { JsonObject } from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { grantsRights } from '../rights-granting-kinds.ts';
import { accountsOf, defaultAccount, secretsOf } from './pod-credentials.ts';
import { findPrivilege } from './pod-privileges.ts';
import { findPodSpecs, type PodSpec, podSpecPathOf } from './pod-specs.ts';
import { findReservedMetadata } from './reserved-metadata.ts';
import { valueAt } from './walk-json.ts';

/** Right that a dependent would grant although the delegation doesn't say so. */
export interface RefusedRight {
  /** What grants the right, as the end of a sentence about the dependent. */
  cause: string;
  /** Change that would allow it, or the reason why none does. */
  remedy: string;
}

/** Rights that a dependent may grant. */
export interface AllowedRights {
  dependents: DelegationSettings['dependents'];
  /** True if the entry of its kind allows privileges. */
  allowPrivileged: boolean;
  /** Secrets and ServiceAccounts that the plugin requests before this dependent, as `Kind/name`. */
  own: ReadonlySet<string>;
}

const accountTokenType = 'kubernetes.io/service-account-token';
const accountOfToken = 'kubernetes.io/service-account.name';
const bootstrapTokenType = 'bootstrap.kubernetes.io/token';

/** ConfigMaps that pods trust as the certificates of a CA. */
const trustedNames = ['kplug-ca', 'kube-root-ca.crt', 'openshift-service-ca.crt', 'istio-ca-root-cert'];

const never = 'no delegation can allow this';

/** Finds a right that a dependent would grant although the delegation doesn't say so. Returns `undefined` when there is none. */
export function findRefusedRight(
  manifest: CheckedManifest,
  namespace: string,
  rights: AllowedRights,
): RefusedRight | undefined {
  for (const right of refusedRights(manifest, namespace, rights)) return right;
  return undefined;
}

function* refusedRights(manifest: CheckedManifest, namespace: string, rights: AllowedRights): Iterable<RefusedRight> {
  if (isCore(manifest, 'ConfigMap') && trustedNames.includes(manifest.metadata.name)) {
    yield { cause: 'by whose content pods verify servers', remedy: never };
  }
  if (isCore(manifest, 'Secret')) yield* refusedCredentials(manifest, rights);
  const reserved = findReservedMetadata(manifest as unknown as JsonObject);
  for (const { path, isAllowable } of reserved) {
    if (!isAllowable) yield { cause: `with ${path}, which is reserved`, remedy: never };
  }
  const pods = findPodSpecs(manifest);
  if (!rights.allowPrivileged) {
    const { kind, apiVersion } = manifest;
    const remedy = `set allowPrivileged: true for the kind ${kind} (${apiVersion}) in dependents.kinds`;
    for (const cause of privilegesOf(manifest, namespace, pods)) yield { cause, remedy };
    for (const { path } of reserved) yield { cause: `with ${path}, which is reserved`, remedy };
  }
  for (const pod of pods) {
    yield* refusedAccounts(pod, rights, podSpecPathOf(manifest) !== undefined);
    yield* refusedSecrets(pod, rights);
  }
}

/** Finds what needs `allowPrivileged`. */
function* privilegesOf(manifest: CheckedManifest, namespace: string, pods: readonly PodSpec[]): Iterable<string> {
  if (grantsRights(manifest)) yield 'of a kind that grants rights';
  if (namespace.startsWith('kube-')) yield 'in a namespace of the system';
  const addresses = isCore(manifest, 'Service') && valueAt(manifest as JsonObject, 'spec', 'externalIPs');
  if (Array.isArray(addresses) && addresses.length > 0)
    yield 'with spec.externalIPs, by which it takes the traffic of others';
  for (const pod of pods) {
    const privilege = findPrivilege(pod);
    if (privilege) yield `with ${privilege}, which is privileged`;
  }
}

/** Finds the types of a Secret that are credentials of others. */
function* refusedCredentials(manifest: CheckedManifest, { dependents }: AllowedRights): Iterable<RefusedRight> {
  if (manifest.type === bootstrapTokenType) yield { cause: `of the type ${bootstrapTokenType}`, remedy: never };
  if (manifest.type !== accountTokenType) return;
  const account = manifest.metadata.annotations?.[accountOfToken] ?? '';
  if (dependents.serviceAccounts.includes(account)) return;
  const cause = `of the type ${accountTokenType}, with the rights of the ServiceAccount ${account}`;
  yield { cause, remedy: listAccount(account) };
}

function* refusedAccounts(pod: PodSpec, rights: AllowedRights, isSettable: boolean): Iterable<RefusedRight> {
  const { accounts, isAutomounted } = accountsOf(pod);
  for (const { path, name } of accounts) {
    if (isAllowedAccount(name, rights)) continue;
    yield { cause: `with ${path}, and so the rights of the ServiceAccount ${name}`, remedy: listAccount(name) };
  }
  if (!isAutomounted || isSettable || isAllowedAccount(defaultAccount, rights)) return;
  const cause = `without ${pod.path}.automountServiceAccountToken: false, and so with the rights of the ServiceAccount ${defaultAccount}`;
  yield { cause, remedy: listAccount(defaultAccount) };
}

function* refusedSecrets(pod: PodSpec, { dependents, own }: AllowedRights): Iterable<RefusedRight> {
  if (dependents.podSecrets === 'any') return;
  for (const { path, name } of secretsOf(pod)) {
    if (own.has(`Secret/${name}`)) continue;
    const remedy =
      'set dependents.podSecrets: any, or let the plugin request the Secret as a dependent before this one';
    yield { cause: `with ${path}, the Secret ${name}, which isn't a dependent of the resource`, remedy };
  }
}

/**
 * Returns the fields of a dependent, with `automountServiceAccountToken: false` where its pods would otherwise get the token of the
 * ServiceAccount `default` without anybody having said so.
 */
export function withoutDefaultToken(manifest: CheckedManifest, fields: JsonObject, rights: AllowedRights): JsonObject {
  const path = podSpecPathOf(manifest);
  const [pod] = path === undefined ? [] : findPodSpecs(manifest);
  if (path === undefined || !pod || !accountsOf(pod).isAutomounted) return fields;
  if (isAllowedAccount(defaultAccount, rights)) return fields;
  return withValue(fields, [...path.split('.'), 'automountServiceAccountToken'], false);
}

function withValue(object: JsonObject, [field = '', ...rest]: readonly string[], value: boolean): JsonObject {
  const inner = object[field];
  return { ...object, [field]: rest.length > 0 && isJsonObject(inner) ? withValue(inner, rest, value) : value };
}

function isAllowedAccount(name: string, { dependents, own }: AllowedRights): boolean {
  return dependents.serviceAccounts.includes(name) || own.has(`ServiceAccount/${name}`);
}

function listAccount(name: string): string {
  return name
    ? `list ${name} in dependents.serviceAccounts`
    : 'name a ServiceAccount that dependents.serviceAccounts lists';
}

function isCore(manifest: CheckedManifest, kind: string): boolean {
  return manifest.kind === kind && !manifest.apiVersion.includes('/');
}
