import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import {
  type FinalizeRequest,
  FinalizeRequestSchema,
  type FinalizeResponse,
  FinalizeResponseSchema,
  type ReconcileRequest,
  ReconcileRequestSchema,
  type ReconcileResponse,
  ReconcileResponseSchema,
} from '@kplug/protocol';

const schemas = {
  Reconcile: { request: ReconcileRequestSchema, response: ReconcileResponseSchema },
  Finalize: { request: FinalizeRequestSchema, response: FinalizeResponseSchema },
} as const;

/** A call between a controller and a plugin, as it stands in a line of a file: messages as the protocol has them in JSON, with resources and statuses in full. */
export interface RecordedCall {
  /** When it began, in ISO 8601. */
  at: string;
  /** Who was called: name, version and instance id. */
  plugin: string;
  version: string;
  instanceId: string;
  method: 'Reconcile' | 'Finalize';
  request: JsonValue;
  /** What was answered; missing where the call ended with an error. */
  response?: JsonValue;
  error?: { code: number; message: string };
  /** How long it took, in milliseconds. */
  duration: number;
}

export type Request = ReconcileRequest | FinalizeRequest;
export type Response = ReconcileResponse | FinalizeResponse;

/** A request as it is recorded. */
export function writeRequest(method: RecordedCall['method'], request: Request): JsonValue {
  return open(toJson(schemas[method].request, request));
}

/** A response as it is recorded. */
export function writeResponse(method: RecordedCall['method'], response: Response): JsonValue {
  return open(toJson(schemas[method].response, response));
}

/** A request that was recorded. Throws when it is none. */
export function readRequest(method: RecordedCall['method'], json: JsonValue): Request {
  return fromJson(schemas[method].request, close(json));
}

/** A response that was recorded, to Reconcile or Finalize, as one to Reconcile. Throws when it is none. */
export function readResponse(method: RecordedCall['method'], json: JsonValue): ReconcileResponse {
  const response: Response = fromJson(schemas[method].response, close(json));
  return asReconciled(response);
}

/** An answer to Finalize as one to Reconcile that says nothing of statuses. */
export function asReconciled(response: Response): ReconcileResponse {
  if (response.$typeName === 'kplug.v1.ReconcileResponse') return response;
  const { outcome, messages, events } = response;
  return create(ReconcileResponseSchema, { outcome, messages, events });
}

/** Bytes that are a JSON object stand there as it is; others in base64, as the protocol writes them. */
function open(json: JsonValue): JsonValue {
  return mapBytes(json, (value) => {
    if (typeof value !== 'string') return value;
    const parsed = parse(Buffer.from(value, 'base64').toString());
    return isObject(parsed) ? parsed : value;
  });
}

function close(json: JsonValue): JsonValue {
  return mapBytes(json, (value) => (isObject(value) ? Buffer.from(JSON.stringify(value)).toString('base64') : value));
}

/** Changes what the protocol has as bytes: resources, and statuses. */
function mapBytes(json: JsonValue, change: (value: JsonValue) => JsonValue): JsonValue {
  if (!isObject(json)) return json;
  const changed = { ...json };
  const changeResource = (value: JsonValue) =>
    isObject(value) && value.json !== undefined ? { ...value, json: change(value.json) } : value;
  if (json.base !== undefined) changed.base = changeResource(json.base);
  if (isObject(json.extensions)) changed.extensions = mapValues(json.extensions, changeResource);
  if (json.baseStatus !== undefined) changed.baseStatus = change(json.baseStatus);
  if (isObject(json.extensionStatuses)) changed.extensionStatuses = mapValues(json.extensionStatuses, change);
  return changed;
}

function mapValues(values: { [key: string]: JsonValue }, change: (value: JsonValue) => JsonValue) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
