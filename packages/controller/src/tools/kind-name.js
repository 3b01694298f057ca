/**
 * Whether a kind is meant by a name as people write it: without regard to case, singular or plural, and with the API group
 * behind a dot where the kind alone isn't enough: `DatabaseTable`, `databasetables`, `databasetable.myorg.org`.
 */
export function isKindNamed({ apiVersion, kind }, name) {
  const wanted = name.toLowerCase();
  const dot = wanted.indexOf('.');
  const [kindPart, groupPart] = dot < 0 ? [wanted, undefined] : [wanted.slice(0, dot), wanted.slice(dot + 1)];
  if (groupPart !== undefined && groupPart !== groupOf(apiVersion)) return false;
  return formsOf(kind).includes(kindPart);
}
/** The API group of an `apiVersion`; empty for the core group. */
export function groupOf(apiVersion) {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
function formsOf(kind) {
  const singular = kind.toLowerCase();
  const forms = [singular, `${singular}s`, `${singular}es`];
  return singular.endsWith('y') ? [...forms, `${singular.slice(0, -1)}ies`] : forms;
}
//# sourceMappingURL=kind-name.js.map
