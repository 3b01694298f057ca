import type { JsonObject, ResourceKind, ServedKind } from '@kplug/controller';
import type { Answer } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf, objectsIn } from './read-json.ts';

const about = 'kinds';

/** The version of Kplug's own kinds that the operator reads and writes. */
const ownVersion = 'v1alpha1';

/** The fields of a base's status that the operator writes itself. */
const statusFields = ['conditions', 'implementation', 'observedGeneration', 'plugin'];

/** One of Kplug's own kinds. */
export interface OwnDefinition {
  /** The name of its CustomResourceDefinition. */
  name: string;
  /** The file of the chart that has it. */
  file: string;
  definition: Answer<JsonObject | undefined>;
}

/** Whether a kind of Kplug's own is defined, in the version that the operator takes. */
export function checkOwnDefinition({ name, file, definition }: OwnDefinition): Finding {
  const check = new Check('DefinitionInstalled', about);
  if (definition.failure !== undefined) return check.notTried(`the definition ${name}: ${definition.failure}`);
  const advice = `kubectl apply --server-side -f charts/kplug/files/${file}`;
  if (!definition.value) return check.problem(`there is no CustomResourceDefinition ${name}`, advice);
  const served = versionsOf(definition.value).filter((version) => version.served === true);
  if (served.some((version) => version.name === ownVersion)) return check.ok(`${name} is served in ${ownVersion}`);
  const names = served.map((version) => String(version.name)).join(', ') || 'nothing';
  return check.problem(`${name} is served in ${names}, and the operator takes ${ownVersion}`, advice);
}

/** A kind that is delegated, or may be pointed to, as the cluster has it. */
export interface DelegatedDefinition {
  delegation: string;
  kind: ResourceKind;
  role: 'base' | 'extension';
  /** `undefined` when it isn't served. */
  served: Answer<ServedKind | undefined>;
  /** `undefined` for a kind that no CustomResourceDefinition defines. */
  definition: Answer<JsonObject | undefined>;
  /** Kinds that it may be a slip of the pen for. */
  similar: readonly ResourceKind[];
}

/** Whether a delegated kind is served, and keeps what the operator and plugins write into its status. */
export function checkDelegatedDefinition(delegated: DelegatedDefinition): Finding[] {
  const { delegation, kind, role, served, definition, similar } = delegated;
  const check = new Check('KindExists', `delegation ${delegation}`);
  const name = `${kind.kind} (${kind.apiVersion})`;
  if (served.failure !== undefined) return [check.notTried(`whether ${name} is served: ${served.failure}`)];
  if (!served.value) {
    const others = similar.map((one) => `${one.kind} (${one.apiVersion})`).join(' and ');
    const field = role === 'base' ? '"base"' : '"extensions.kinds"';
    const message = `the cluster has no kind ${name}${others && `, but has ${others}`}`;
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
    const message = `${kind.kind} has no status subresource, so what the operator and plugins say stands in annotations`;
    return [check.warning(message, `add ${where}:\nsubresources: { status: {} }`)];
  }
  const schema = objectOf(objectOf(version.schema).openAPIV3Schema);
  const { status } = objectOf(schema.properties);
  if (keepsUnknown(schema) && status === undefined) return [];
  const advice = `add ${where}, in schema.openAPIV3Schema.properties:\nstatus: { type: object, x-kubernetes-preserve-unknown-fields: true }`;
  if (status === undefined) {
    return [check.problem(`the schema of ${kind.kind} has no status, so what is written there is refused`, advice)];
  }
  const fields = objectOf(objectOf(status).properties);
  const missing = role === 'base' ? statusFields.filter((field) => fields[field] === undefined) : [];
  const isKept = keepsUnknown(objectOf(status)) || objectOf(status).additionalProperties !== undefined;
  if (isKept || (missing.length === 0 && Object.keys(fields).length > 0)) {
    return [check.ok(`the status of ${kind.kind} keeps what is written there`)];
  }
  const which = missing.length > 0 ? `has no ${missing.join(', ')}` : 'has no fields';
  const message = `the status of ${kind.kind} ${which}, and may have no others, so what is written there is refused`;
  return [check.problem(message, advice)];
}

function keepsUnknown(schema: JsonObject): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function versionsOf(definition: JsonObject): JsonObject[] {
  return objectsIn(objectOf(definition.spec).versions);
}
