import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { serviceError, tooLarge, toServiceError } from './grpc-errors.ts';
import { readMessage } from './read-message.ts';

type Method<S extends DescService, K extends keyof S['method']> = S['method'][K];

type Input<M> = M extends { input: infer I extends DescMessage } ? I : never;
type Output<M> = M extends { output: infer O extends DescMessage } ? O : never;

type Handler<M> = M extends { methodKind: 'unary' }
  ? (
      request: MessageShape<Input<M>>,
      call: grpc.ServerUnaryCall<MessageShape<Input<M>>, MessageInitShape<Output<M>>>,
    ) => MessageInitShape<Output<M>> | Promise<MessageInitShape<Output<M>>>
  : M extends { methodKind: 'server_streaming' }
    ? (call: grpc.ServerWritableStream<MessageShape<Input<M>>, MessageInitShape<Output<M>>>) => void
    : M extends { methodKind: 'bidi_streaming' }
      ? (call: grpc.ServerDuplexStream<MessageShape<Input<M>>, MessageInitShape<Output<M>>>) => void
      : never;

type Call<M> = M extends { methodKind: 'unary' }
  ? (request: MessageInitShape<Input<M>>, options?: UnaryCallOptions) => Promise<MessageShape<Output<M>>>
  : M extends { methodKind: 'server_streaming' }
    ? (request: MessageInitShape<Input<M>>, options?: CallOptions) => grpc.ClientReadableStream<MessageShape<Output<M>>>
    : M extends { methodKind: 'bidi_streaming' }
      ? (
          options?: StreamOptions<MessageShape<Output<M>>>,
        ) => grpc.ClientDuplexStream<MessageInitShape<Input<M>>, MessageShape<Output<M>>>
      : never;

/** Functions that serve a service, by method. A unary function that throws answers with the gRPC code of the error, or INTERNAL. */
export type GrpcHandlers<S extends DescService> = { [K in keyof S['method']]: Handler<Method<S, K>> };

/** Options of a call. */
export interface CallOptions {
  /** Deadline of the call, in milliseconds since the epoch. Default: none. */
  deadline?: number;
  /** Metadata to send. */
  metadata?: grpc.Metadata;
}

/** Options of a unary call. */
export interface UnaryCallOptions extends CallOptions {
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal;
  /** Largest response that is accepted, in bytes, where it is smaller than that of the channel. Default: that of the channel. */
  maxResponseSize?: number;
  /** Largest number of fields of a response, at all depths. Default 100,000. */
  maxResponseFields?: number;
}

/** Options of a bidirectional stream. */
export interface StreamOptions<M> extends CallOptions {
  /** Decodes a received message. An exception ends the stream. Default: by the schema. */
  decode?: (bytes: Buffer) => M;
}

/** Client of a service: one function per method. A failed call rejects with the `ServiceError` of grpc-js. */
export type GrpcClient<S extends DescService> = { [K in keyof S['method']]: Call<Method<S, K>> } & {
  /** Underlying client, whose channel can be watched and closed. */
  readonly $client: grpc.Client;
};

/** Stops grpc-js from printing failures, which it also returns, unless `GRPC_VERBOSITY` or `GRPC_TRACE` is set. */
export function quietGrpc(): void {
  if (!process.env.GRPC_VERBOSITY && !process.env.GRPC_TRACE) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
}

/**
 * Adds a service to a grpc-js server. Methods without a handler answer UNIMPLEMENTED.
 *
 * @param options.maxRequestFields largest number of fields of a request, at all depths. Default 100,000.
 */
export function addService<S extends DescService>(
  server: grpc.Server,
  service: S,
  handlers: Partial<GrpcHandlers<S>>,
  { maxRequestFields }: { maxRequestFields?: number } = {},
): void {
  const implementation: grpc.UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName as keyof S['method']] as unknown as
      | ((...args: unknown[]) => unknown)
      | undefined;
    if (!handler) continue;
    implementation[method.localName] =
      method.methodKind === 'unary' ? unaryHandler(handler) : (handler as grpc.UntypedHandleCall);
  }
  server.addService(serviceDefinition(service, maxRequestFields), implementation);
}

/** Creates a client of a service, on a new channel or on the one in `options`. */
export function createGrpcClient<S extends DescService>(
  service: S,
  address: string,
  credentials: grpc.ChannelCredentials,
  options: grpc.ClientOptions = {},
): GrpcClient<S> {
  const client = new grpc.Client(address, credentials, options);
  const calls: Record<string, unknown> = { $client: client };
  for (const method of service.methods) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    calls[method.localName] = {
      unary: async (request: object, callOptions: UnaryCallOptions = {}) =>
        readMessage(
          method.output,
          await unaryCall(client.getChannel(), path, requestSerialize(request), callOptions),
          callOptions.maxResponseFields,
        ),
      server_streaming: (request: object, callOptions: CallOptions = {}) =>
        client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, ...toGrpc(callOptions)),
      bidi_streaming: ({ decode = responseDeserialize, ...callOptions }: StreamOptions<object> = {}) =>
        client.makeBidiStreamRequest(path, requestSerialize, decode, ...toGrpc(callOptions)),
      client_streaming: undefined,
    }[method.methodKind];
  }
  return calls as GrpcClient<S>;
}

function serviceDefinition(service: DescService, maxRequestFields?: number): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [method.localName, methodDefinition(method, maxRequestFields)]),
  );
}

function methodDefinition(method: DescMethod, maxRequestFields?: number): grpc.MethodDefinition<object, object> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: (message) => serialize(method.input, message),
    requestDeserialize: (bytes) => readMessage(method.input, bytes, maxRequestFields),
    responseSerialize: (message) => serialize(method.output, message),
    responseDeserialize: (bytes) => readMessage(method.output, bytes),
  };
}

/** Serialized frozen messages. */
const cache = new WeakMap<object, Buffer>();

/** Serializes a message. A frozen message is assumed to be immutable in all its parts, and is serialized once. */
function serialize(schema: DescMessage, message: object): Buffer {
  if (!Object.isFrozen(message)) return serializeUncached(schema, message);
  let bytes = cache.get(message);
  if (!bytes) {
    bytes = serializeUncached(schema, message);
    cache.set(message, bytes);
  }
  return bytes;
}

function serializeUncached(schema: DescMessage, message: object): Buffer {
  const { buffer, byteOffset, byteLength } = toBinary(schema, create(schema, message as MessageInitShape<DescMessage>));
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Wraps a handler for grpc-js. A synchronous response is sent synchronously: a promise per call is measurable under load. */
function unaryHandler(handler: (...args: unknown[]) => unknown): grpc.handleUnaryCall<unknown, unknown> {
  return (call, respond) => {
    const fail = (error: unknown) => respond(toServiceError(error));
    try {
      const response = handler(call.request, call);
      if (response instanceof Promise) response.then((late: unknown) => respond(null, late)).catch(fail);
      else respond(null, response);
    } catch (error) {
      fail(error);
    }
  };
}

/**
 * Makes a unary call directly on a channel. `Client.makeUnaryRequest` captures a stack trace and builds a chain of interceptors for
 * each call. Neither is used here, and a call without them takes 25 % less CPU time.
 */
function unaryCall(
  channel: grpc.ChannelInterface,
  path: string,
  message: Buffer,
  {
    deadline = Number.POSITIVE_INFINITY,
    metadata,
    signal,
    maxResponseSize = Number.POSITIVE_INFINITY,
  }: UnaryCallOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const call = channel.createCall(path, deadline, null, null, null);
    const cancel = () => call.cancelWithStatus(grpc.status.CANCELLED, 'cancelled by the caller');
    let response: Buffer | undefined;
    call.start(metadata ?? new grpc.Metadata(), {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (received: Buffer) => {
        response = received;
      },
      onReceiveStatus: ({ code, details, metadata: trailers }) => {
        signal?.removeEventListener('abort', cancel);
        if (code !== grpc.status.OK) reject(serviceError(code, details, trailers));
        else if (response && response.length > maxResponseSize) reject(tooLarge(response.length, maxResponseSize));
        else if (response) resolve(response);
        else reject(serviceError(grpc.status.UNIMPLEMENTED, 'the response has no message', trailers));
      },
    });
    call.startRead();
    call.sendMessageWithContext({}, message);
    call.halfClose();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function toGrpc({ metadata, deadline }: CallOptions): [grpc.Metadata, grpc.CallOptions] {
  return [metadata ?? new grpc.Metadata(), deadline === undefined ? {} : { deadline }];
}
