import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { FinalizeCause, type FinalizeRequest, FinalizeRequestSchema, ReconcileRequestSchema } from '@kplug/protocol';
import type { RegisteredApi } from '../definition.ts';
import {
  type CompleteResource,
  checkNames,
  completeResource,
  invalid,
  invalidInput,
  type ResourceDefaults,
  readObject,
} from './complete-resource.ts';
import type { FinalizeTestInput, TestCapability, TestOperation } from './test-input.ts';

const inputFields = [
  'base',
  'extensions',
  'dependents',
  'required',
  'capability',
  'operation',
  'assignment',
  'attempt',
  'signal',
];

type CommonFields = MessageInitShape<typeof FinalizeRequestSchema> & MessageInitShape<typeof ReconcileRequestSchema>;

/** Request of a call, and the extensions in it as `Kind/name`, by their keys. */
export interface BuiltRequest<R> {
  request: R;
  extensionNames: ReadonlyMap<string, string>;
}

/** Makes the request of a call of Reconcile as an operator sends it. Throws `InvalidInput`. */
export function buildReconcileRequest(api: RegisteredApi, input: FinalizeTestInput) {
  checkNames('the input of reconcile', readObject('the input of reconcile', input), inputFields);
  const { common, extensionNames } = buildCommon(api, input, {});
  return { request: create(ReconcileRequestSchema, common), extensionNames };
}

/** Makes the request of a call of Finalize as an operator sends it. Throws `InvalidInput`. */
export function buildFinalizeRequest(api: RegisteredApi, input: FinalizeTestInput): BuiltRequest<FinalizeRequest> {
  checkNames('the input of finalize', readObject('the input of finalize', input), [...inputFields, 'cause']);
  const { cause = 'deleted' } = input;
  if (cause !== 'deleted' && cause !== 'handedOver') throw invalid('cause', cause, '"deleted" or "handedOver"');
  const isDeleted = cause === 'deleted';
  const metadata = isDeleted ? { deletionTimestamp: '2000-01-02T00:00:00Z' } : {};
  const { common, extensionNames } = buildCommon(api, input, metadata);
  const encoded = isDeleted ? FinalizeCause.DELETED : FinalizeCause.HANDED_OVER;
  return { request: create(FinalizeRequestSchema, { ...common, cause: encoded }), extensionNames };
}

function buildCommon(api: RegisteredApi, input: FinalizeTestInput, metadata: object) {
  const {
    extensions = [],
    dependents = [],
    required = {},
    capability,
    operation,
    assignment = {},
    attempt = 1,
  } = input;
  const base = completeResource('base', input.base ?? {}, {
    apiVersion: 'example.org/v1',
    kind: api.name,
    name: 'test',
    namespace: 'default',
    metadata,
  });
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw invalid('attempt', attempt, 'an integer of at least 1');
  checkNames('assignment', readObject('assignment', assignment), ['delegation', 'reason', 'message']);
  const { namespace } = base;
  const found = readList('extensions', extensions, { apiVersion: 'example.org/v1', name: base.name, namespace });
  const common: CommonFields = {
    base: { json: base.json },
    extensions: byKey('extensions', found),
    dependents: byKey('dependents', readList('dependents', dependents, { namespace })),
    required: encodeRequired(required, namespace),
    assignment: {
      delegation: 'test',
      api: api.name,
      apiVersion: api.version,
      reason: 'Preferred',
      message: '',
      ...assignment,
      ...(capability && { capability: encodeCapability(api, capability) }),
    },
    context: { attempt, supportsRequirements: true },
    ...(operation && { operation: encodeOperation(operation, base.generation) }),
  };
  return { common, extensionNames: new Map(found.map(({ key, kind, name }) => [key, `${kind}/${name}`])) };
}

function readList(what: string, given: unknown, defaults: ResourceDefaults): CompleteResource[] {
  if (!Array.isArray(given)) throw invalid(what, given, 'a list of resources');
  return given.map((one, index) => completeResource(`${what}[${index}]`, one, defaults));
}

function byKey(what: string, resources: readonly CompleteResource[]): Record<string, { json: Uint8Array }> {
  const keyed: Record<string, { json: Uint8Array }> = {};
  for (const { key, kind, name, json } of resources) {
    if (Object.hasOwn(keyed, key))
      throw invalidInput(`${what} has ${kind}/${name} twice; give each one its own metadata.name`);
    keyed[key] = { json };
  }
  return keyed;
}

/** Encodes required resources, ordered as an operator orders them. */
function encodeRequired(required: unknown, namespace: string) {
  const found = Object.entries(readObject('required', required)).map(([name, resources]) => {
    const items = readList(`required.${name}`, resources, { namespace });
    items.sort((one, other) => compare(one.namespace, other.namespace) || compare(one.name, other.name));
    return [name, { items: items.map(({ json }) => ({ json })) }] as const;
  });
  return Object.fromEntries(found);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function encodeCapability({ name, provides }: RegisteredApi, capability: TestCapability) {
  checkNames('capability', readObject('capability', capability), ['category', 'type', 'version', 'previousVersion']);
  const { type, version, previousVersion = '' } = capability;
  const categories = [...new Set(provides.map(({ category }) => category))];
  const category = capability.category ?? (categories.length === 1 ? categories[0] : undefined);
  if (category === undefined) {
    const provided = categories.length === 0 ? 'no capabilities' : categories.join(', ');
    throw invalidInput(`capability.category is missing; write it, as the API ${name} provides ${provided}`);
  }
  for (const [field, value] of Object.entries({ category, type, version, previousVersion }))
    if (typeof value !== 'string') throw invalid(`capability.${field}`, value, "a text such as '17'");
  return { category, type, version, previousVersion };
}

const operationFields = ['percentage', 'message', 'token', 'after', 'generation', 'startedAt', 'isCancelled'];

function encodeOperation(operation: TestOperation, currentGeneration: number) {
  checkNames('operation', readObject('operation', operation), operationFields);
  const { percentage, message = '', token = '', isCancelled = false } = operation;
  const { generation = currentGeneration, startedAt = new Date() } = operation;
  if (percentage !== undefined && !(Number.isInteger(percentage) && percentage >= 0 && percentage <= 100))
    throw invalid('operation.percentage', percentage, 'an integer from 0 to 100');
  if (!Number.isSafeInteger(generation)) throw invalid('operation.generation', generation, 'an integer');
  if (!(startedAt instanceof Date) || Number.isNaN(startedAt.getTime()))
    throw invalid('operation.startedAt', startedAt, 'a valid Date');
  for (const [field, value] of Object.entries({ message, token }))
    if (typeof value !== 'string') throw invalid(`operation.${field}`, value, 'a text');
  return {
    progress: { ...(percentage !== undefined && { percentage }), message, token },
    generation: BigInt(generation),
    startedAt: timestampFromDate(startedAt),
    cancelled: isCancelled,
  };
}
