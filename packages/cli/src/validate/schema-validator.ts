import type { JsonObject, JsonValue } from '@kplug/controller';
import { formatPath } from '@kplug/controller/tools';
import type { Ajv, ValidateFunction } from 'ajv';
import { objectOf, textsOf } from '../doctor/read-json.ts';
import { similarTo } from '../doctor/similar.ts';
import { type DocumentFault, type FieldPath, maxFaults } from './finding.ts';
import { plainJson, toJsonSchema } from './json-schema.ts';
import { findListFaults } from './list-faults.ts';
import { RuleChecker } from './rule-faults.ts';
import { createAjv, describeErrors } from './schema-faults.ts';
import { completeValue, declaredFieldsOf, type SchemaNode, unknownFieldsOf, walkSchema } from './structural-schema.ts';

/** Validates resources with the schema of a version of a kind, as the API server does when they are created. */
export class SchemaValidator {
  readonly #schema: JsonObject;
  readonly #hasStatus: boolean;
  readonly #rules = new RuleChecker();
  #validate: ValidateFunction | undefined;

  /** @param hasStatus true if the kind has the status subresource, so that the status of a manifest is ignored. */
  constructor(schema: JsonObject, hasStatus: boolean) {
    this.#schema = schema;
    this.#hasStatus = hasStatus;
  }

  /** Returns all faults of a resource. */
  validate(resource: JsonObject): DocumentFault[] {
    const { status: _, ...others } = resource;
    const stated = this.#hasStatus ? others : resource;
    const value = completeValue(stated, this.#schema);
    const violations = this.#violations(value);
    const invalid = pathsAbove(violations.filter(({ check }) => check !== 'SchemaViolated'));
    const nodes = [...walkSchema(value, this.#schema)];
    return [
      ...violations,
      ...nodes.flatMap(describeUnknown),
      ...nodes.flatMap(findListFaults),
      // A rule may assume that the value and the values in it are as the schema has them.
      ...nodes.filter(hasRules).flatMap((node) => (invalid.has(nameOf(node.path)) ? [] : this.#rules.check(node))),
    ];
  }

  #violations(value: JsonValue): DocumentFault[] {
    this.#validate ??= compile(this.#schema, this.#hasStatus);
    const plain = plainJson(value);
    return this.#validate(plain) ? [] : describeErrors(this.#validate.errors ?? [], plain);
  }
}

let ajv: Ajv | undefined;

function compile(schema: JsonObject, hasStatus: boolean): ValidateFunction {
  ajv ??= createAjv();
  const converted = toJsonSchema(schema);
  // The API server sets the status and checks the common fields itself.
  const { apiVersion: _, kind: __, ...fields } = objectOf(converted.properties);
  const { status: ___, ...withoutStatus } = fields;
  const properties = hasStatus ? withoutStatus : fields;
  const required = textsOf(converted.required).filter((name) => !hasStatus || name !== 'status');
  return ajv.compile({ ...converted, properties, required });
}

function describeUnknown(node: SchemaNode): DocumentFault[] {
  const declared = declaredFieldsOf(node.schema);
  return unknownFieldsOf(node)
    .slice(0, maxFaults + 1)
    .map((name) => {
      const path = [...node.path, name];
      const [similar] = similarTo(name, declared);
      const advice = similar === undefined ? '' : `; did you mean ${similar}?`;
      return {
        check: 'FieldUnknown',
        severity: 'error',
        path,
        message: `${formatPath(path)} is not a field of the schema${advice}`,
      };
    });
}

/** Returns the names of the paths of faults, and of those of which they are a part. */
function pathsAbove(faults: readonly DocumentFault[]): Set<string> {
  return new Set(
    faults.flatMap(({ path }) => [nameOf([]), ...path.map((_, index) => nameOf(path.slice(0, index + 1)))]),
  );
}

function hasRules({ schema }: SchemaNode): boolean {
  return schema['x-kubernetes-validations'] !== undefined;
}

/** Returns a text that is the same for equal paths. */
function nameOf(path: FieldPath): string {
  return JSON.stringify(path);
}
