import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';

/** Returns the schema that a reference such as `#/$defs/Column` names; `undefined` if the document has none. */
export function resolveReference(reference: string, root: JsonObject): JsonObject | undefined {
  if (!reference.startsWith('#')) return undefined;
  const steps = reference.slice(1).split('/').filter(Boolean);
  const found = steps.reduce<JsonValue | undefined>((value, step) => {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }, root);
  return isJsonObject(found) ? found : undefined;
}
