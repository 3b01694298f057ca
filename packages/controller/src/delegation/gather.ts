import type { Implementation } from '../registry/implementation.ts';
import { isJsonObject } from '../resources/json.ts';
import type { KindProblem, Resources } from '../resources/port.ts';
import {
  describeReference,
  formatKey,
  isOfGroupKind,
  isSameKind,
  type Resource,
  type ResourceKey,
  type ResourceReference,
} from '../resources/resource.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import { readField } from './field-path.ts';

/** Reason of a problem with an extension reference. */
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
export function readReferences(base: Resource, settings: DelegationSettings): ExtensionReferences {
  const { path, kinds } = settings.extensions;
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
  const home = base.metadata.namespace ?? '';
  for (const [index, item] of listed.entries()) {
    const reference = readReference(item, home);
    if (!reference) {
      const message = `${listPath}[${index}] must have apiVersion, kind and name`;
      problems.push({ reason: 'ExtensionMalformed', message });
      continue;
    }
    const problem = forbid(reference, home, kinds);
    const key = formatKey(reference);
    if (problem) {
      problems.push(problem);
    } else if (references.has(key)) {
      const message = `${describeReference(reference)} is listed more than once in ${listPath}; remove one`;
      problems.push({ reason: 'ExtensionDuplicated', message, reference });
    } else {
      references.set(key, reference);
    }
  }
  return { references, problems };
}

/** Resolves the references of a base. */
export function gather(
  base: Resource,
  { references, problems }: ExtensionReferences,
  resources: Pick<Resources, 'get' | 'problem'>,
): Gathered {
  const extensions = new Map<ResourceKey, Resource>();
  const missing: ExtensionProblem[] = [];
  for (const [key, reference] of references) {
    const extension = resources.get(key);
    if (extension) extensions.set(key, extension);
    else missing.push(describeMissing(reference, resources.problem(reference)));
  }
  return { base, extensions, problems: missing.length > 0 ? [...problems, ...missing] : problems };
}

function describeMissing(reference: ResourceReference, problem: KindProblem | undefined): ExtensionProblem {
  const subject = `${describeReference(reference)} (${reference.apiVersion})`;
  if (problem) return { reason: problem.reason, message: `${subject} can't be read: ${problem.message}`, reference };
  const message = `${subject} doesn't exist; create it or remove the reference`;
  return { reason: 'ExtensionNotFound', message, reference };
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

function readReference(item: unknown, home: string): ResourceReference | undefined {
  if (!isJsonObject(item)) return undefined;
  const { apiVersion, kind, name, namespace = home } = item;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  const isWellFormed = kind && name && !/[/\s]/.test(name + namespace + kind);
  return isWellFormed && /^([^/\s]+\/)?[^/\s]+$/.test(apiVersion) ? { apiVersion, kind, name, namespace } : undefined;
}

function forbid(
  reference: ResourceReference,
  home: string,
  kinds: DelegationSettings['extensions']['kinds'],
): ExtensionProblem | undefined {
  if (reference.namespace !== home) {
    const message = `${describeReference(reference)} is in another namespace; an extension must be in ${home || 'none'}`;
    return { reason: 'ExtensionForbidden', message, reference };
  }
  const isAllowed = !kinds || kinds.some((allowed) => isSameKind(allowed, reference));
  if (isAllowed) return undefined;
  const message = `${describeReference(reference)} (${reference.apiVersion}) isn't of a kind that the delegation allows`;
  return { reason: 'ExtensionForbidden', message, reference };
}
