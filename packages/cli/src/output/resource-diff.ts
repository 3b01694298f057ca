import type { JsonObject, JsonValue, Resource } from '@kplug/controller';
import { formatYaml, isJsonObject, type ResourceDifference } from '@kplug/controller/tools';
import { createTwoFilesPatch } from 'diff';

/** Metadata that the API server sets, which says nothing about a change. */
const setByServer: ReadonlySet<string> = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'creationTimestamp',
]);

/** Fields of Secrets whose values are masked. */
const secretFields = ['data', 'stringData'] as const;

/** Mask of a value, as `kubectl diff` writes it. */
const mask = '***';

/** Formats the difference of a resource as a unified diff in YAML, as `kubectl diff` does. Empty when there is none. */
export function formatDifference({ before, after }: ResourceDifference): string {
  const [left, right] = maskSecrets(readable(before), readable(after));
  const one = after ?? before;
  if (!one) return '';
  const [former, next] = [left, right].map((object) => (object ? formatYaml(object) : ''));
  if (former === next) return '';
  const { namespace, name } = one.metadata;
  const file = [one.apiVersion.replace('/', '.'), one.kind, ...(namespace ? [namespace] : []), name].join('.');
  const names = [before ? `live/${file}` : '/dev/null', after ? `pass/${file}` : '/dev/null'] as const;
  const patch = createTwoFilesPatch(...names, former ?? '', next ?? '', undefined, undefined, { context: 3 });
  return patch.replace(/^=+\n/, '').trimEnd();
}

/** Returns a resource with sorted fields, without metadata that changes with every write. */
function readable(resource: Resource | undefined): JsonObject | undefined {
  if (!resource) return undefined;
  const metadata = Object.entries(resource.metadata).filter(([field]) => !setByServer.has(field));
  return sorted({ ...(resource as unknown as JsonObject), metadata: Object.fromEntries(metadata) }) as JsonObject;
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).flatMap(([field, content]) =>
    content === undefined ? [] : [[field, sorted(content)] as const],
  );
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Masks the values of Secrets. Those that differ stay distinguishable. */
function maskSecrets(before: JsonObject | undefined, after: JsonObject | undefined): (JsonObject | undefined)[] {
  const one = after ?? before;
  if (one?.apiVersion !== 'v1' || one.kind !== 'Secret') return [before, after];
  const masked = (object: JsonObject | undefined, other: JsonObject | undefined, side: string) =>
    object && {
      ...object,
      ...Object.fromEntries(
        secretFields.flatMap((field) => {
          const values = object[field];
          return isJsonObject(values) ? [[field, maskValues(values, other?.[field], side)]] : [];
        }),
      ),
    };
  return [masked(before, after, 'before'), masked(after, before, 'after')];
}

function maskValues(values: JsonObject, others: JsonValue | undefined, side: string): JsonObject {
  const known = isJsonObject(others) ? others : {};
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const isChanged = key in known && known[key] !== value;
      return [key, isChanged ? `${mask} (${side})` : mask];
    }),
  );
}
