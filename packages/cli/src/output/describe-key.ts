import { parseKey, type ResourceKey } from '@kplug/controller';
import { describeReference } from '@kplug/controller/tools';

/** Formats the key of a resource for people: `DatabaseTable default/users`. */
export function describeKey(key: ResourceKey): string {
  return describeReference(parseKey(key));
}
