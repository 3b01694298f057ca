import type { JsonValue } from '@kplug/controller';
import { formatPath, isJsonObject } from '@kplug/controller/tools';
import { Ajv, type ErrorObject } from 'ajv';
import { similarTo } from '../doctor/similar.ts';
import { type DocumentFault, type FieldPath, maxFaults } from './finding.ts';
import { formats } from './formats.ts';
import { compilePattern } from './go-pattern.ts';

/** Length at which a quoted value is cut, in characters. */
const maxQuotedLength = 40;

/** Creates the validator of JSON schemas that `toJsonSchema` returns. */
export function createAjv(): Ajv {
  return new Ajv({
    allErrors: true,
    verbose: true,
    // Kubernetes allows combinations of keywords that the strict mode refuses.
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    messages: false,
    logger: false,
    formats: { ...formats },
    code: { regExp: Object.assign((pattern: string) => compilePattern(pattern) ?? /(?:)/, { code: '' }) },
  });
}

/** Describes the errors of a value. Those of the alternatives of `anyOf` and `oneOf` are part of one fault. */
export function describeErrors(errors: readonly ErrorObject[], root: JsonValue): DocumentFault[] {
  return (
    errors
      .filter(({ schemaPath }) => !/\/(anyOf|oneOf)\/\d+\//.test(schemaPath))
      // One more, so that the others are known to be left out.
      .slice(0, maxFaults + 1)
      .map((error) => {
        const { path, message } = describe(error, errors, pathOf(error.instancePath, root));
        const subject = formatPath(path) || 'the resource';
        const check = checks[error.keyword] ?? 'SchemaViolated';
        return { check, severity: 'error', path, message: `${subject} ${message}` };
      })
  );
}

/** Checks of keywords without which a value is not what rules assume. */
const checks: Readonly<Record<string, string>> = { required: 'FieldMissing', type: 'TypeInvalid' };

interface Description {
  path: FieldPath;
  message: string;
}

function describe(error: ErrorObject, all: readonly ErrorObject[], path: FieldPath): Description {
  const { keyword, params, data, schema } = error;
  switch (keyword) {
    case 'required':
      return { path: [...path, String(params.missingProperty)], message: 'is missing' };
    case 'type':
      return { path, message: describeType(params.type as string | string[], data as JsonValue) };
    case 'enum':
      return { path, message: describeEnum(schema as JsonValue[], data as JsonValue) };
    case 'anyOf':
    case 'oneOf':
      return { path, message: describeAlternatives(error, all) };
    default:
      return { path, message: describeBound(keyword, schema as JsonValue, data as JsonValue) };
  }
}

/** Describes keywords whose value is a bound or a pattern. */
function describeBound(keyword: string, bound: JsonValue, data: JsonValue): string {
  const value = quote(data);
  switch (keyword) {
    case 'minimum':
      return `is ${value}, but must be at least ${bound}`;
    case 'maximum':
      return `is ${value}, but must be at most ${bound}`;
    case 'exclusiveMinimum':
      return `is ${value}, but must be greater than ${bound}`;
    case 'exclusiveMaximum':
      return `is ${value}, but must be less than ${bound}`;
    case 'multipleOf':
      return `is ${value}, but must be a multiple of ${bound}`;
    case 'minLength':
      return `has ${lengthOf(data)} characters; at least ${bound} are required`;
    case 'maxLength':
      return `has ${lengthOf(data)} characters; at most ${bound} are allowed`;
    case 'minItems':
      return `has ${lengthOf(data)} items; at least ${bound} are required`;
    case 'maxItems':
      return `has ${lengthOf(data)} items; at most ${bound} are allowed`;
    case 'minProperties':
      return `has ${lengthOf(data)} fields; at least ${bound} are required`;
    case 'maxProperties':
      return `has ${lengthOf(data)} fields; at most ${bound} are allowed`;
    case 'uniqueItems':
      return 'has an item more than once';
    case 'pattern':
      return `is ${value}, which does not match ${bound}`;
    case 'format':
      return `is ${value}, which is not a valid ${bound}`;
    default:
      return `is ${value}, which the schema forbids by "${keyword}"`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'an integer',
  null: 'null',
  number: 'a number',
  object: 'a mapping',
  string: 'a string',
};

function describeType(expected: string | string[], data: JsonValue): string {
  const names = [expected].flat().map((type) => typeNames[type] ?? type);
  const isQuotable = typeof data === 'number' || typeof data === 'boolean';
  const advice = isQuotable && [expected].flat().includes('string') ? '; put it in quotes' : '';
  return `is ${describeValue(data)}, but must be ${names.join(' or ')}${advice}`;
}

function describeValue(data: JsonValue): string {
  if (Array.isArray(data)) return 'a list';
  if (isJsonObject(data)) return 'a mapping';
  return quote(data);
}

function describeEnum(allowed: readonly JsonValue[], data: JsonValue): string {
  const texts = allowed.filter((one) => typeof one === 'string');
  const [similar] = typeof data === 'string' ? similarTo(data, texts) : [];
  const advice = similar === undefined ? '' : `; did you mean ${similar}?`;
  return `is ${describeValue(data)}, but must be one of ${allowed.map((one) => String(one)).join(', ')}${advice}`;
}

/** Describes that no alternative matches, by what each of them lacks. */
function describeAlternatives({ keyword, schemaPath, params }: ErrorObject, all: readonly ErrorObject[]): string {
  const passing: unknown = params.passingSchemas;
  if (Array.isArray(passing)) return `matches several alternatives of "${keyword}", but must match exactly one`;
  const own = all.filter((other) => other.schemaPath.startsWith(`${schemaPath}/`));
  const needs = own.flatMap(({ keyword: inner, params: { missingProperty } }) => {
    return inner === 'required' ? [String(missingProperty)] : [];
  });
  const isAllRequired = needs.length > 0 && needs.length === own.length;
  const advice = isAllRequired ? `; one of ${[...new Set(needs)].join(', ')} is required` : '';
  return `matches no alternative of "${keyword}"${advice}`;
}

/** Returns the path of a JSON pointer. */
function pathOf(pointer: string, root: JsonValue): FieldPath {
  let current: unknown = root;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(current) ? Number(name) : name;
      current = (current as Record<string | number, unknown>)[step];
      return step;
    });
}

function lengthOf(data: JsonValue): number {
  if (typeof data === 'string') return [...data].length;
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}

/** Quotes a value on one line. A long one is cut. */
export function quote(data: JsonValue): string {
  const text = typeof data === 'bigint' ? String(data) : JSON.stringify(data);
  return text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength).toWellFormed()}…` : text;
}
