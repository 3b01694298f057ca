import { groupOf, type ResourceKind } from './resource.ts';

/**
 * Reports whether a name that a user typed denotes a kind. Names are case-insensitive, singular or plural, and may end with the
 * API group where the kind alone is ambiguous: `DatabaseTable`, `databasetables`, `databasetable.myorg.org`.
 */
export function isKindNamed({ apiVersion, kind }: ResourceKind, name: string): boolean {
  const wanted = name.toLowerCase();
  const dot = wanted.indexOf('.');
  const [kindPart, groupPart] = dot < 0 ? [wanted, undefined] : [wanted.slice(0, dot), wanted.slice(dot + 1)];
  if (groupPart !== undefined && groupPart !== groupOf(apiVersion).toLowerCase()) return false;
  return formsOf(kind).includes(kindPart);
}

function formsOf(kind: string): string[] {
  const singular = kind.toLowerCase();
  const forms = [singular, `${singular}s`, `${singular}es`];
  return singular.endsWith('y') ? [...forms, `${singular.slice(0, -1)}ies`] : forms;
}
