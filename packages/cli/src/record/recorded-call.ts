import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { isJsonObject } from '@kplug/controller/tools';
import {
  type FinalizeRequest,
  FinalizeRequestSchema,
  type FinalizeResponse,
  FinalizeResponseSchema,
  formatJson,
  parseJson,
  type ReconcileRequest,
  ReconcileRequestSchema,
  type ReconcileResponse,
  ReconcileResponseSchema,
} from '@kplug/protocol';

const schemas = {
  Reconcile: { request: ReconcileRequestSchema, response: ReconcileResponseSchema },
  Finalize: { request: FinalizeRequestSchema, response: FinalizeResponseSchema },
} as const;

/** A call as a line of a file: messages in the JSON of the protocol, with resources and statuses as objects. */
export interface RecordedCall {
  /** Start time in ISO 8601. */
  at: string;
  /** Name, version and instance id of the plugin. */
  plugin: string;
  version: string;
  instanceId: string;
  method: 'Reconcile' | 'Finalize';
  request: JsonValue;
  /** Response; missing if the call ended with an error. */
  response?: JsonValue;
  error?: { code: number; message: string };
  /** Duration in milliseconds. */
  duration: number;
}

export type Request = ReconcileRequest | FinalizeRequest;
export type Response = ReconcileResponse | FinalizeResponse;

/** Converts a request to its recorded form. */
export function writeRequest(method: RecordedCall['method'], request: Request): JsonValue {
  return open(toJson(schemas[method].request, request));
}

/** Converts a response to its recorded form. */
export function writeResponse(method: RecordedCall['method'], response: Response): JsonValue {
  return open(toJson(schemas[method].response, response));
}

/** Parses a recorded request. Throws when it is malformed. */
export function readRequest(method: RecordedCall['method'], json: JsonValue): Request {
  return fromJson(schemas[method].request, close(json));
}

/** Parses a recorded response as one to Reconcile. Throws when it is malformed. */
export function readResponse(method: RecordedCall['method'], json: JsonValue): ReconcileResponse {
  const response: Response = fromJson(schemas[method].response, close(json));
  return asReconciled(response);
}

/** Converts a response to Finalize to one to Reconcile without statuses. */
export function asReconciled(response: Response): ReconcileResponse {
  if (response.$typeName === 'kplug.v1.ReconcileResponse') return response;
  const { outcome, messages, events } = response;
  return create(ReconcileResponseSchema, { outcome, messages, events });
}

/** Replaces bytes that are a JSON object by the object. Other bytes stay in base64. */
function open(json: JsonValue): JsonValue {
  return mapBytes(json, (value) => {
    if (typeof value !== 'string') return value;
    const parsed = parse(Buffer.from(value, 'base64').toString());
    return isJsonObject(parsed) ? parsed : value;
  });
}

function close(json: JsonValue): JsonValue {
  return mapBytes(json, (value) => (isJsonObject(value) ? Buffer.from(formatJson(value)).toString('base64') : value));
}

/** Applies a change to the resources and statuses of a message. */
function mapBytes(json: JsonValue, change: (value: JsonValue) => JsonValue): JsonValue {
  if (!isJsonObject(json)) return json;
  const changed = { ...json };
  const changeResource = (value: JsonValue) =>
    isJsonObject(value) && value.json !== undefined ? { ...value, json: change(value.json) } : value;
  if (json.base !== undefined) changed.base = changeResource(json.base);
  if (isJsonObject(json.extensions)) changed.extensions = mapValues(json.extensions, changeResource);
  if (json.baseStatus !== undefined) changed.baseStatus = change(json.baseStatus);
  if (isJsonObject(json.extensionStatuses)) changed.extensionStatuses = mapValues(json.extensionStatuses, change);
  return changed;
}

function mapValues(values: { [key: string]: JsonValue }, change: (value: JsonValue) => JsonValue) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

function parse(text: string): JsonValue | undefined {
  try {
    return parseJson(text) as JsonValue;
  } catch {
    return undefined;
  }
}
