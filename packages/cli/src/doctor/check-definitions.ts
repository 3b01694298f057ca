import type { JsonObject, ResourceKind } from '@kplug/controller';
import type { ServedKind } from '@kplug/controller/tools';
import type { Answer } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf, objectsIn } from './read-json.ts';

const about = 'kinds';

/** Version of Kplug's own kinds that the operator uses. */
const ownVersion = 'v1alpha1';

/** Status fields of every base that the operator writes. */
const statusFields = ['conditions', 'implementation', 'observedGeneration', 'plugin'];

/** Status fields of bases with dependents. */
const dependentsFields = ['dependents', 'dependentsReady'];

/** Fields of the items of `dependents`. */
const dependentFields = ['apiVersion', 'kind', 'message', 'name', 'plugin', 'ready', 'reason', 'retain', 'since'];

/** Status fields that few resources need, with the consequences of their absence. The operator writes the other fields without them. */
const optionalFields: Readonly<Record<string, string>> = {
  lastHandledReconcileAt: 'kplug reconcile --wait does not see the end of a pass',
  operationsInProgress: 'the token of an operation in progress is lost when the operator stops',
};

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

/** A kind of a delegation, with its definition in the cluster. */
export interface DelegatedDefinition {
  delegation: string;
  kind: ResourceKind;
  role: 'base' | 'extension' | 'dependent' | 'required';
  /** True if plugins may request dependents. */
  hasDependents?: boolean;
  /** True if resources ask for capabilities. */
  asksCapability?: boolean;
  /** `undefined` when it is not served. */
  served: Answer<ServedKind | undefined>;
  /** `undefined` for a kind without a CustomResourceDefinition. */
  definition: Answer<JsonObject | undefined>;
  /** Kinds with similar names; one of them may be intended. */
  similar: readonly ResourceKind[];
}

/** Fields of a delegation that name kinds, by the role of these. */
const fieldsOf = {
  base: 'base',
  extension: 'extensions.kinds',
  dependent: 'dependents.kinds',
  required: 'requirements.kinds',
} as const;

/** Checks that a delegated kind is served, and that its schema keeps the statuses of the operator and the plugins. */
export function checkDelegatedDefinition(delegated: DelegatedDefinition): Finding[] {
  const { delegation, kind, role, served, definition, similar } = delegated;
  const isOptional = role === 'dependent' || role === 'required';
  const check = new Check('KindExists', `delegation ${delegation}`);
  const name = `${kind.kind} (${kind.apiVersion})`;
  if (served.failure !== undefined) return [check.notTried(`whether ${name} is served: ${served.failure}`)];
  if (!served.value) {
    const others = similar.map((one) => `${one.kind} (${one.apiVersion})`).join(' and ');
    const message = `the cluster has no kind ${name}${others && `, but it has ${others}`}`;
    const advice = `install its CustomResourceDefinition, or correct "${fieldsOf[role]}" of the delegation`;
    // Only plugins that request or require such resources need the kind, and may work without.
    return [isOptional ? check.warning(message, advice) : check.problem(message, advice)];
  }
  if (isOptional) return [];
  if (definition.failure !== undefined) {
    return [
      new Check('StatusKept', `delegation ${delegation}`).notTried(`the status of ${name}: ${definition.failure}`),
    ];
  }
  return definition.value ? checkStatus(delegated, definition.value) : [];
}

function checkStatus(delegated: DelegatedDefinition, definition: JsonObject): Finding[] {
  const { delegation, kind, served } = delegated;
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
  return [checkFields(check, delegated, objectOf(status), advice)];
}

/** Checks that the schema of a status has the fields that the operator writes. */
function checkFields(check: Check, delegated: DelegatedDefinition, status: JsonObject, advice: string): Finding {
  const { kind, role } = delegated;
  const fields = objectOf(status.properties);
  const isKept = keepsAny(status);
  const missing = role === 'base' ? missingFields(delegated, status) : [];
  if (missing.length > 0 || (!isKept && Object.keys(fields).length === 0)) {
    const problem = missing.length > 0 ? `has no ${missing.join(', ')}` : 'has no fields';
    const message = `the status of ${kind.kind} ${problem} and allows no other fields, so the API server rejects statuses`;
    return check.problem(message, advice);
  }
  const lacking = isKept || role !== 'base' ? [] : Object.keys(optionalFields).filter((field) => !fields[field]);
  if (lacking.length === 0) return check.ok(`the status of ${kind.kind} accepts all fields that the operator writes`);
  const consequences = lacking.map((field) => `without ${field}, ${optionalFields[field]}`).join('; ');
  return check.warning(`the status of ${kind.kind} has no ${lacking.join(', ')}: ${consequences}`, advice);
}

/** Returns the fields that the operator writes to the status of a base, and that its schema lacks. */
function missingFields(
  { hasDependents = false, asksCapability = false }: DelegatedDefinition,
  status: JsonObject,
): string[] {
  const fields = objectOf(status.properties);
  const needed = [
    ...statusFields,
    ...(hasDependents ? dependentsFields : []),
    ...(asksCapability ? ['capability'] : []),
  ];
  const missing = keepsAny(status) ? [] : needed.filter((field) => fields[field] === undefined);
  const items = objectOf(objectOf(fields.dependents).items);
  const isOpen = fields.dependents === undefined || keepsAny(items) || keepsUnknown(objectOf(fields.dependents));
  if (!hasDependents || isOpen) return missing;
  const known = objectOf(items.properties);
  return [
    ...missing,
    ...dependentFields.filter((field) => known[field] === undefined).map((field) => `dependents[].${field}`),
  ];
}

/** Reports whether a schema allows fields that it doesn't declare. */
function keepsAny(schema: JsonObject): boolean {
  return keepsUnknown(schema) || schema.additionalProperties !== undefined;
}

function keepsUnknown(schema: JsonObject): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function versionsOf(definition: JsonObject): JsonObject[] {
  return objectsIn(objectOf(definition.spec).versions);
}
