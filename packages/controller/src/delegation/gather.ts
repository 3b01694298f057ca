import type { Implementation } from '../registry/implementation.ts';
import type { KindProblem, Resources } from '../resources/port.ts';
import {
  describeReference,
  formatKey,
  groupOf,
  type Resource,
  type ResourceKey,
  type ResourceReference,
} from '../resources/resource.ts';
import type { DelegationSettings } from './declaration.ts';
import { readField } from './field-path.ts';

/** Why an extension that a base points to isn't there. */
export type ExtensionProblemReason =
  | 'ExtensionNotFound'
  | 'ExtensionDuplicated'
  | 'ExtensionForbidden'
  | 'ExtensionMalformed'
  | KindProblem['reason'];

/** The problems of a sound reference to something that isn't there. */
const absences: ReadonlySet<ExtensionProblemReason> = new Set([
  'ExtensionNotFound',
  'KindNotFound',
  'Forbidden',
  'Unreachable',
]);

/** Something wrong with a reference to an extension. */
export interface ExtensionProblem {
  reason: ExtensionProblemReason;
  message: string;
  /** What was referred to; missing for a malformed reference. */
  reference?: ResourceReference;
}

/** What a base points to. */
export interface ExtensionReferences {
  references: ReadonlyMap<ResourceKey, ResourceReference>;
  problems: readonly ExtensionProblem[];
}

/** A base with the extensions that exist, and what is wrong with the others. */
export interface Gathered {
  base: Resource;
  extensions: ReadonlyMap<ResourceKey, Resource>;
  problems: readonly ExtensionProblem[];
}

/** Reads the references of a base. A wrong one is told of and left out; it never stops the others. */
export function readReferences(base: Resource, settings: DelegationSettings): ExtensionReferences {
  const { path, kinds } = settings.extensions;
  const listed = readField(base, path);
  const references = new Map<ResourceKey, ResourceReference>();
  const problems: ExtensionProblem[] = [];
  if (listed === undefined || listed === null) return { references, problems };
  const where = `.${path.join('.')}`;
  if (!Array.isArray(listed)) {
    problems.push({ reason: 'ExtensionMalformed', message: `${where} must be a list of { apiVersion, kind, name }` });
    return { references, problems };
  }
  const home = base.metadata.namespace ?? '';
  for (const [index, item] of listed.entries()) {
    const reference = readReference(item, home);
    if (!reference) {
      const message = `${where}[${index}] must have apiVersion, kind and name`;
      problems.push({ reason: 'ExtensionMalformed', message });
      continue;
    }
    const problem = forbid(reference, home, kinds);
    const key = formatKey(reference);
    if (problem) {
      problems.push(problem);
    } else if (references.has(key)) {
      const message = `${describeReference(reference)} is listed more than once in ${where}; remove one`;
      problems.push({ reason: 'ExtensionDuplicated', message, reference });
    } else {
      references.set(key, reference);
    }
  }
  return { references, problems };
}

/** Finds what a base points to. */
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
    else missing.push(explainAbsence(reference, resources.problem(reference)));
  }
  return { base, extensions, problems: missing.length > 0 ? [...problems, ...missing] : problems };
}

function explainAbsence(reference: ResourceReference, problem: KindProblem | undefined): ExtensionProblem {
  const subject = `${describeReference(reference)} (${reference.apiVersion})`;
  if (problem) return { reason: problem.reason, message: `${subject} can't be had: ${problem.message}`, reference };
  const message = `${subject} doesn't exist; create it or remove the reference`;
  return { reason: 'ExtensionNotFound', message, reference };
}

/** The problem for which an implementation has to wait: an extension that it understands and that isn't there. */
export function blockingProblem(
  problems: readonly ExtensionProblem[],
  { api }: Implementation,
): ExtensionProblem | undefined {
  return problems.find(({ reason, reference }) => {
    if (!absences.has(reason) || !reference) return false;
    return (
      api.extensionKinds.length === 0 ||
      api.extensionKinds.some(
        ({ kind, group }) => kind === reference.kind && (!group || group === groupOf(reference.apiVersion)),
      )
    );
  });
}

function readReference(item: unknown, home: string): ResourceReference | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { apiVersion, kind, name, namespace = home } = item as Record<string, unknown>;
  for (const part of [apiVersion, kind, name, namespace]) {
    if (typeof part !== 'string') return undefined;
  }
  const reference = { apiVersion, kind, name, namespace } as ResourceReference;
  const isWellFormed =
    reference.name && !/[/\s]/.test(reference.name + reference.namespace + reference.kind) && reference.kind;
  return isWellFormed && /^([^/\s]+\/)?[^/\s]+$/.test(reference.apiVersion) ? reference : undefined;
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
  const isAllowed =
    !kinds || kinds.some(({ apiVersion, kind }) => apiVersion === reference.apiVersion && kind === reference.kind);
  if (isAllowed) return undefined;
  const message = `${describeReference(reference)} (${reference.apiVersion}) isn't of a kind that the delegation allows`;
  return { reason: 'ExtensionForbidden', message, reference };
}
