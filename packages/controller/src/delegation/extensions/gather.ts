import type { Implementation } from '../../registry/implementation.ts';
import { isJsonObject } from '../../resources/json.ts';
import type { KindProblem, Resources } from '../../resources/port.ts';
import {
  describeReference,
  formatKey,
  groupOf,
  isOfGroupKind,
  isSameKind,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceReference,
} from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { readField } from '../field-path.ts';
import { grantsRights } from '../rights-granting-kinds.ts';

/**
 * Reason of a problem with an extension reference.
 *
 * - `ExtensionNotFound`: the extension does not exist.
 * - `ExtensionDuplicated`: the extension is listed more than once, in any version of its kind.
 * - `ExtensionForbidden`: the delegation does not allow the kind, or the extension is in another namespace or in none.
 * - `ExtensionMalformed`: `apiVersion`, `kind` or `name` is missing or malformed.
 * - `KindNotFound`: the kind of the extension does not exist.
 * - `Forbidden`: the operator has no right to read the kind.
 * - `Unreachable`: the API server does not answer.
 */
export type ExtensionProblemReason =
  | 'ExtensionNotFound'
  | 'ExtensionDuplicated'
  | 'ExtensionForbidden'
  | 'ExtensionMalformed'
  | KindProblem['reason'];

/** Reasons for which a well-formed reference can't be resolved. */
const unresolved: ReadonlySet<ExtensionProblemReason> = new Set([
  'ExtensionNotFound',
  'KindNotFound',
  'Forbidden',
  'Unreachable',
]);

/** Problem with a reference to an extension. */
export interface ExtensionProblem {
  reason: ExtensionProblemReason;
  message: string;
  /** The referenced resource; missing for a malformed reference. */
  reference?: ResourceReference;
  /** Index in the list of references; missing if it is no list, and for an extension that can't be read. */
  index?: number;
}

/** References of a base to its extensions. */
export interface ExtensionReferences {
  references: ReadonlyMap<ResourceKey, ResourceReference>;
  problems: readonly ExtensionProblem[];
}

/** A base with its existing extensions, and the problems with the others. */
export interface Gathered {
  base: Resource;
  extensions: ReadonlyMap<ResourceKey, Resource>;
  problems: readonly ExtensionProblem[];
}

/** Reads the references of a base. Invalid ones are reported and left out. */
export function readReferences(
  base: Resource,
  { extensions: { path, kinds } }: Pick<DelegationSettings, 'extensions'>,
): ExtensionReferences {
  const listed = readField(base, path);
  const references = new Map<ResourceKey, ResourceReference>();
  const problems: ExtensionProblem[] = [];
  if (listed === undefined || listed === null) return { references, problems };
  const listPath = `.${path.join('.')}`;
  if (!Array.isArray(listed)) {
    problems.push({
      reason: 'ExtensionMalformed',
      message: `${listPath} must be a list of { apiVersion, kind, name }`,
    });
    return { references, problems };
  }
  const named = new Set<string>();
  for (const [index, item] of listed.entries()) {
    const read = readReference(item, base.metadata.namespace ?? '');
    if ('fault' in read) {
      problems.push({ reason: 'ExtensionMalformed', message: `${listPath}[${index}] ${read.fault}`, index });
      continue;
    }
    const problem = forbid(read, base, kinds);
    const name = nameInAnyVersion(read);
    if (problem) {
      problems.push({ ...problem, index });
    } else if (named.has(name)) {
      const message = `${describeReference(read)} is listed more than once in ${listPath}; remove one`;
      problems.push({ reason: 'ExtensionDuplicated', message, reference: read, index });
    } else {
      named.add(name);
      references.set(formatKey(read), read);
    }
  }
  return { references, problems };
}

/** Returns the problems whose references are ignored: no plugin waits for these extensions, or gets them. */
export function ignoredReferences(problems: readonly ExtensionProblem[]): ExtensionProblem[] {
  return problems.filter(({ reason }) => !unresolved.has(reason));
}

/** Identifies a resource in any version of its kind. */
export function nameInAnyVersion({ apiVersion, kind, namespace, name }: ResourceReference): string {
  return `${groupOf(apiVersion)}/${kind}/${namespace}/${name}`;
}

/** Resolves the references of a base. */
export function gather(
  base: Resource,
  { references, problems }: ExtensionReferences,
  resources: Pick<Resources, 'get' | 'problem' | 'isNamespaced'>,
): Gathered {
  const extensions = new Map<ResourceKey, Resource>();
  const missing: ExtensionProblem[] = [];
  for (const [key, reference] of references) {
    const extension = resources.get(key);
    if (extension) extensions.set(key, extension);
    else missing.push(describeMissing(reference, resources));
  }
  return { base, extensions, problems: missing.length > 0 ? [...problems, ...missing] : problems };
}

function describeMissing(
  reference: ResourceReference,
  resources: Pick<Resources, 'problem' | 'isNamespaced'>,
): ExtensionProblem {
  const problem = resources.problem(reference);
  const subject = `${describeReference(reference)} (${reference.apiVersion})`;
  if (reference.namespace && resources.isNamespaced?.(reference) === false) {
    const { kind, name, namespace } = reference;
    const message = `${kind} ${name} (${reference.apiVersion}) is cluster-scoped; an extension must be in the namespace ${namespace}`;
    return { reason: 'ExtensionForbidden', message, reference };
  }
  if (problem) return { reason: problem.reason, message: `${subject} can't be read: ${problem.message}`, reference };
  const message = `${subject} doesn't exist; create it or remove the reference`;
  return { reason: 'ExtensionNotFound', message, reference };
}

/** Returns the implementations that don't have to wait for an extension. */
export function unblocked(
  implementations: readonly Implementation[],
  problems: readonly ExtensionProblem[],
): Implementation[] {
  return implementations.filter((implementation) => !blockingProblem(problems, implementation));
}

/** Returns the problem that an implementation has to wait for: a missing extension of a kind that it supports. */
export function blockingProblem(
  problems: readonly ExtensionProblem[],
  { api }: Implementation,
): ExtensionProblem | undefined {
  return problems.find(({ reason, reference }) => {
    if (!unresolved.has(reason) || !reference) return false;
    const { extensionKinds } = api;
    return extensionKinds.length === 0 || extensionKinds.some((groupKind) => isOfGroupKind(reference, groupKind));
  });
}

/** Reads a reference, or describes its fault. An empty namespace is that of the base. */
function readReference(item: unknown, home: string): ResourceReference | { fault: string } {
  const needed = 'it must have apiVersion, kind and name';
  if (!isJsonObject(item)) return { fault: `is no reference; ${needed}` };
  const { apiVersion, kind, name } = item;
  const namespace = item.namespace || home;
  const missing = Object.entries({ apiVersion, kind, name }).filter(([, value]) => typeof value !== 'string' || !value);
  if (missing.length > 0) return { fault: `has no ${missing.map(([field]) => field).join(' and no ')}; ${needed}` };
  const reference = { apiVersion, kind, name, namespace } as ResourceReference;
  const isWellFormed =
    typeof namespace === 'string' &&
    !/[/\s]/.test(`${reference.name}${namespace}${reference.kind}`) &&
    /^([^/\s]+\/)?[^/\s]+$/.test(reference.apiVersion);
  return isWellFormed ? reference : { fault: `is malformed; ${needed}, such as myorg.org/v1, Table and users` };
}

function forbid(
  reference: ResourceReference,
  base: Resource,
  kinds: DelegationSettings['extensions']['kinds'],
): ExtensionProblem | undefined {
  const refuse = (why: string): ExtensionProblem => {
    return { reason: 'ExtensionForbidden', message: `${describeReference(reference)} ${why}`, reference };
  };
  const home = base.metadata.namespace ?? '';
  if (reference.namespace !== home) {
    const place = home ? `the namespace ${home}` : 'no namespace, as the resource is in none';
    return refuse(`is in another namespace; an extension must be in ${place}`);
  }
  if (nameInAnyVersion(reference) === nameInAnyVersion(parseKey(keyOf(base))))
    return refuse('is the resource itself; remove the reference');
  if (!kinds && grantsRights(reference))
    return refuse(
      `(${reference.apiVersion}) is of a kind that grants rights; list the kind in extensions.kinds to allow it`,
    );
  if (!kinds || kinds.some((allowed) => isSameKind(allowed, reference))) return undefined;
  const allowed = kinds.map((kind) => `${kind.kind} (${kind.apiVersion})`).join(', ') || 'none';
  return refuse(`(${reference.apiVersion}) isn't of a kind that the delegation allows: ${allowed}`);
}
