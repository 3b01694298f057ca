import { parseKey } from '@kplug/controller';

/** Formats the key of a resource for people: `DatabaseTable default/users`. */
export function describeKey(key: string): string {
  const { kind, namespace, name } = parseKey(key);
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}
