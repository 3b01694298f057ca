import { z } from 'zod';
import { limits } from '../limits/limits.ts';
import { findJsonFault, isJsonObject, type JsonFault } from './json.ts';
import type { JsonObject, JsonValue, ResourceKind } from './resource.ts';

/** Metadata that a user sets. Other fields of the metadata belong to the controller and are ignored. */
export interface ManifestMetadata {
  name: string;
  /** Default: `default`. */
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Resource as a user writes it. Fields besides `spec`, such as a ConfigMap's `data`, are kept. */
export interface Manifest extends ResourceKind {
  metadata: ManifestMetadata;
  spec?: JsonObject;
  /** Ignored: users don't write statuses. */
  status?: JsonObject;
  [field: string]: JsonValue | ManifestMetadata | undefined;
}

/** Manifest with a namespace, without a status, and with nothing but `ManifestMetadata` in its metadata. */
export interface CheckedManifest extends Manifest {
  metadata: ManifestMetadata & { namespace: string };
}

/** Result of `checkManifest`. */
export type ManifestCheck = { manifest: CheckedManifest; fault?: never } | { fault: JsonFault; manifest?: never };

const { maxApiVersionLength, maxLabelLength, maxNameLength } = limits.resources;

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;

const manifestSchema = z.looseObject({
  apiVersion: text(
    new RegExp(`^(${subdomain}/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`),
    maxApiVersionLength,
    'a group and a version, such as kplug.dev/v1',
  ),
  kind: text(/^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$/, maxLabelLength, 'a kind, such as DatabaseTable'),
  metadata: z.object(
    {
      name: text(
        new RegExp(`^${subdomain}$`),
        maxNameLength,
        'a name of lower-case letters, digits, `-` and `.` that begins and ends with a letter or digit',
      ),
      namespace: text(
        new RegExp(`^${label}$`),
        maxLabelLength,
        'a namespace of lower-case letters, digits and `-`',
      ).nullish(),
      labels: texts().nullish(),
      annotations: texts().nullish(),
    },
    { error: ({ input }) => (input === undefined || input === null ? 'is missing' : 'must be a mapping') },
  ),
  spec: z.custom<JsonObject>(isJsonObject, 'must be a mapping').nullish(),
});

/** Checks a manifest and normalizes it. Never throws. */
export function checkManifest(value: unknown): ManifestCheck {
  const { data, faults } = parseManifest(value);
  if (!data) return { fault: faults[0] ?? notMapping };
  const { apiVersion, kind, metadata, ...fields } = data;
  const { name, namespace, labels, annotations } = metadata;
  const manifest: CheckedManifest = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: namespace ?? 'default',
      ...(labels && Object.keys(labels).length > 0 && { labels }),
      ...(annotations && Object.keys(annotations).length > 0 && { annotations }),
    },
  };
  // `null` means that the field is missing, as in Kubernetes.
  for (const [field, content] of Object.entries(fields)) {
    if (content !== null && content !== undefined) manifest[field] = content as JsonValue;
  }
  return { manifest };
}

/** Returns all faults for which a value is no manifest; none for a valid one. Never throws. */
export function findManifestFaults(value: unknown): JsonFault[] {
  return parseManifest(value).faults;
}

const notMapping: JsonFault = { path: [], message: 'is not a mapping with apiVersion, kind and metadata' };

function parseManifest(value: unknown): { data?: z.output<typeof manifestSchema>; faults: JsonFault[] } {
  if (!isJsonObject(value)) return { faults: [notMapping] };
  const { status: _, ...statedByUser } = value;
  const fault = findJsonFault(statedByUser);
  if (fault) return { faults: [fault] };
  const { data, error } = manifestSchema.safeParse(statedByUser);
  if (data) return { data, faults: [] };
  return { faults: error.issues.map(({ path, message }) => ({ path: path.map(toStep), message })) };
}

function text(pattern: RegExp, maxLength: number, what: string) {
  return z
    .string({
      error: ({ input }) =>
        input === undefined || input === null ? 'is missing' : 'must be a string; put it in quotes',
    })
    .refine(
      (value) => value.length <= maxLength && pattern.test(value),
      `is not ${what} (at most ${maxLength} characters)`,
    );
}

function texts() {
  return z.record(z.string(), z.string('must be a string; put it in quotes'), 'must be a mapping of strings');
}

function toStep(step: PropertyKey): string | number {
  return typeof step === 'number' ? step : String(step);
}
