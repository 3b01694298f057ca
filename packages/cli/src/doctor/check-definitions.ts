import type { JsonObject, ResourceKind } from '@kplug/controller';
import type { ServedKind } from '@kplug/controller/tools';
import type { Answer } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf, objectsIn } from './read-json.ts';

const about = 'kinds';

/** Version of Kplug's own kinds that the operator uses. */
const ownVersion = 'v1alpha1';

/** Status fields of a base that the operator writes. */
const statusFields = ['conditions', 'implementation', 'observedGeneration', 'plugin'];

/** One of Kplug's own kinds. */
export interface OwnDefinition {
  /** Name of its CustomResourceDefinition. */
  name: string;
  /** File in the chart. */
  file: string;
  /** Consequence of its absence, for a kind without which the operator works. */
  consequence?: string;
  definition: Answer<JsonObject | undefined>;
}

/** Checks that one of Kplug's own kinds is served in the version that the operator uses. */
export function checkOwnDefinition({ name, file, consequence, definition }: OwnDefinition): Finding {
  const check = new Check('DefinitionInstalled', about);
  if (definition.failure !== undefined) return check.notTried(`the definition ${name}: ${definition.failure}`);
  const advice = `kubectl apply --server-side -f charts/kplug/files/${file}`;
  if (!definition.value) {
    const message = `the CustomResourceDefinition ${name} does not exist`;
    return consequence ? check.warning(`${message}, so ${consequence}`, advice) : check.problem(message, advice);
  }
  const served = versionsOf(definition.value).filter((version) => version.served === true);
  if (served.some((version) => version.name === ownVersion)) return check.ok(`${name} is served in ${ownVersion}`);
  const names = served.map((version) => String(version.name)).join(', ') || 'no version';
  return check.problem(`${name} is served in ${names}, but the operator uses ${ownVersion}`, advice);
}

/** A base or extension kind of a delegation, with its definition in the cluster. */
export interface DelegatedDefinition {
  delegation: string;
  kind: ResourceKind;
  role: 'base' | 'extension';
  /** `undefined` when it is not served. */
  served: Answer<ServedKind | undefined>;
  /** `undefined` for a kind without a CustomResourceDefinition. */
  definition: Answer<JsonObject | undefined>;
  /** Kinds with similar names; one of them may be intended. */
  similar: readonly ResourceKind[];
}

/** Checks that a delegated kind is served, and that its schema keeps the statuses of the operator and the plugins. */
export function checkDelegatedDefinition(delegated: DelegatedDefinition): Finding[] {
  const { delegation, kind, role, served, definition, similar } = delegated;
  const check = new Check('KindExists', `delegation ${delegation}`);
  const name = `${kind.kind} (${kind.apiVersion})`;
  if (served.failure !== undefined) return [check.notTried(`whether ${name} is served: ${served.failure}`)];
  if (!served.value) {
    const others = similar.map((one) => `${one.kind} (${one.apiVersion})`).join(' and ');
    const field = role === 'base' ? '"base"' : '"extensions.kinds"';
    const message = `the cluster has no kind ${name}${others && `, but it has ${others}`}`;
    return [check.problem(message, `install its CustomResourceDefinition, or correct ${field} of the delegation`)];
  }
  if (definition.failure !== undefined) {
    return [
      new Check('StatusKept', `delegation ${delegation}`).notTried(`the status of ${name}: ${definition.failure}`),
    ];
  }
  return definition.value ? checkStatus(delegated, definition.value) : [];
}

function checkStatus({ delegation, kind, role, served }: DelegatedDefinition, definition: JsonObject): Finding[] {
  const check = new Check('StatusKept', `delegation ${delegation}`);
  const version = versionsOf(definition).find((one) => kind.apiVersion.endsWith(`/${String(one.name)}`)) ?? {};
  const where = `under "versions" of the CustomResourceDefinition ${served.value?.plural ?? ''}.${kind.apiVersion.split('/')[0]}`;
  if (!served.value?.hasStatus) {
    const message = `${kind.kind} has no status subresource, so its status is stored in annotations`;
    return [check.warning(message, `add ${where}:\nsubresources: { status: {} }`)];
  }
  const schema = objectOf(objectOf(version.schema).openAPIV3Schema);
  const { status } = objectOf(schema.properties);
  if (keepsUnknown(schema) && status === undefined) return [];
  const advice = `add ${where}, in schema.openAPIV3Schema.properties:\nstatus: { type: object, x-kubernetes-preserve-unknown-fields: true }`;
  if (status === undefined) {
    return [check.problem(`the schema of ${kind.kind} has no status, so the API server rejects statuses`, advice)];
  }
  const fields = objectOf(objectOf(status).properties);
  const missing = role === 'base' ? statusFields.filter((field) => fields[field] === undefined) : [];
  const isKept = keepsUnknown(objectOf(status)) || objectOf(status).additionalProperties !== undefined;
  if (isKept || (missing.length === 0 && Object.keys(fields).length > 0)) {
    return [check.ok(`the status of ${kind.kind} accepts all fields that the operator writes`)];
  }
  const problem = missing.length > 0 ? `has no ${missing.join(', ')}` : 'has no fields';
  const message = `the status of ${kind.kind} ${problem} and allows no other fields, so the API server rejects statuses`;
  return [check.problem(message, advice)];
}

function keepsUnknown(schema: JsonObject): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function versionsOf(definition: JsonObject): JsonObject[] {
  return objectsIn(objectOf(definition.spec).versions);
}
