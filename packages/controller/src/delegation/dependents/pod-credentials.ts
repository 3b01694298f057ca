import { isJsonObject, jsonObjectsIn } from '../../resources/json.ts';
import type { JsonObject, JsonValue } from '../../resources/resource.ts';
import { accountFields, containerLists, type PodSpec } from './pod-specs.ts';
import { type FoundObject, join, valueAt } from './walk-json.ts';

/** Credential that a pod spec names. */
export interface PodCredential {
  /** Path of the field. */
  path: string;
  /** Name of the ServiceAccount or Secret. */
  name: string;
}

/** Name of the ServiceAccount of pods that name none. */
export const defaultAccount = 'default';

/** Sources of projected volumes that are credentials of the pod's ServiceAccount. */
const accountSources = ['serviceAccountToken', 'podCertificate'];

/**
 * Returns the ServiceAccounts whose rights a pod gets: the one that it names, and `default` if it mounts that one's token explicitly.
 * `isAutomounted` is true when the API server would mount the token of a pod that doesn't say so.
 */
export function accountsOf({ path, object: spec, isPod }: PodSpec): {
  accounts: PodCredential[];
  isAutomounted: boolean;
} {
  const named = accountFields.flatMap((field): PodCredential[] => {
    const name = isJsonObject(spec[field]) ? spec[field].name : spec[field];
    return typeof name === 'string' && name !== '' ? [{ path: join(path, field), name }] : [];
  });
  const others = named.filter(({ name }) => name !== defaultAccount);
  if (others.length > 0 || !isPod) return { accounts: others.length > 0 ? others : named, isAutomounted: false };
  const mount = spec.automountServiceAccountToken;
  const mounted = mount === true ? [join(path, 'automountServiceAccountToken')] : [];
  const projected = [...projectedSources(spec)].filter(({ object }) => accountSources.some((field) => field in object));
  const accounts = [...mounted, ...projected.map((source) => join(path, source.path))];
  return {
    accounts: accounts.map((field) => ({ path: field, name: defaultAccount })),
    isAutomounted: mount !== true && mount !== false,
  };
}

/** Returns the Secrets that a pod uses. */
export function secretsOf({ path, object: spec }: FoundObject): PodCredential[] {
  return [...namedSecrets(spec)].flatMap(([field, name]) =>
    name === undefined || name === null ? [] : [{ path: join(path, field), name: String(name) }],
  );
}

type NamedField = readonly [field: string, name: JsonValue | undefined];

function* namedSecrets(spec: JsonObject): Iterable<NamedField> {
  for (const [index, { name }] of jsonObjectsIn(spec.imagePullSecrets).entries()) {
    yield [`imagePullSecrets[${index}].name`, name];
  }
  for (const [index, volume] of jsonObjectsIn(spec.volumes).entries()) {
    yield [`volumes[${index}].secret.secretName`, valueAt(volume, 'secret', 'secretName')];
  }
  for (const { path, object } of projectedSources(spec)) {
    yield [`${path}.secret.name`, valueAt(object, 'secret', 'name')];
  }
  for (const list of containerLists) {
    for (const [index, container] of jsonObjectsIn(spec[list]).entries()) {
      for (const [field, name] of secretsOfContainer(container)) yield [`${list}[${index}].${field}`, name];
    }
  }
}

function* secretsOfContainer({ env, envFrom }: JsonObject): Iterable<NamedField> {
  for (const [index, variable] of jsonObjectsIn(env).entries()) {
    const name = valueAt(variable, 'valueFrom', 'secretKeyRef', 'name');
    yield [`env[${index}].valueFrom.secretKeyRef.name`, name];
  }
  for (const [index, source] of jsonObjectsIn(envFrom).entries()) {
    yield [`envFrom[${index}].secretRef.name`, valueAt(source, 'secretRef', 'name')];
  }
}

function* projectedSources(spec: JsonObject): Iterable<FoundObject> {
  for (const [index, volume] of jsonObjectsIn(spec.volumes).entries()) {
    const sources = jsonObjectsIn(valueAt(volume, 'projected', 'sources'));
    for (const [place, object] of sources.entries())
      yield { path: `volumes[${index}].projected.sources[${place}]`, object };
  }
}
