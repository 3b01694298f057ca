/** Parts of a key, `group/version/kind/namespace/name`. */
export interface ResourceKey {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Parses a key as the operator writes it; undefined if it isn't one. */
export function parseKey(key: string): ResourceKey | undefined {
  const [group, version, kind, namespace, name, ...rest] = key.split('/');
  if (group === undefined || namespace === undefined || rest.length > 0) return undefined;
  return version && kind && name ? { group, version, kind, namespace, name } : undefined;
}

/** Writes a key as the operator does. */
export function formatKey({ group, version, kind, namespace, name }: ResourceKey): string {
  return [group, version, kind, namespace, name].join('/');
}

/** Name for people, `Kind namespace/name`. */
export function nameOfKey(key: string): string {
  const parsed = parseKey(key);
  return parsed ? `${parsed.kind} ${pathOf(parsed)}` : key;
}

/** Namespace and name, `namespace/name`. */
export function pathOf({ namespace, name }: ResourceKey): string {
  return namespace ? `${namespace}/${name}` : name;
}
