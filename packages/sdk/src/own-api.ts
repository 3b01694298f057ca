import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import type { GrpcHandlers } from '@kplug/protocol';
import { signalOf } from './call-signal.ts';
import type { ApiDefinition, ApiImplementation } from './plugin.ts';
import { terminal } from './plugin-error.ts';
import type { ServedService } from './served-service.ts';

/** Request of a method of a service. */
export type MethodRequest<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
/** Response of a method of a service, as a handler returns it. */
export type MethodResponse<M> = M extends { output: infer O extends DescMessage } ? MessageInitShape<O> : never;

/** Functions that serve the unary methods of a service. A function that throws answers with a gRPC error. */
export type MethodHandlers<S extends DescService> = {
  [K in keyof S['method'] as S['method'][K] extends { methodKind: 'unary' } ? K : never]: (
    request: MethodRequest<S['method'][K]>,
    context: { signal: AbortSignal },
  ) => MethodResponse<S['method'][K]> | Promise<MethodResponse<S['method'][K]>>;
};

/** Implementation of a plugin API whose methods the author of an operator defined in a `.proto` file. */
export interface OwnApiImplementation<S extends DescService> {
  /** API as `Name@1.0.0`, or as an `ApiDefinition`. */
  api: string | ApiDefinition;
  /** Service, as protobuf-es generates it from the `.proto` file. */
  service: S;
  /** Functions that serve the methods, by the local names of these. */
  methods: MethodHandlers<S>;
}

/**
 * Implements an API that has methods of its own and no resources:
 *
 *     definePlugin({ name: 'Foobar', version: '1.0.0', apis: [serveApi({ api: 'Foo@1.0.0', service: FooService, methods: {…} })] })
 */
export function serveApi<S extends DescService>({ api, service, methods }: OwnApiImplementation<S>): ApiImplementation {
  const given = methods as unknown as Record<string, (request: unknown, context: { signal: AbortSignal }) => unknown>;
  const handlers = Object.entries(given).map(
    ([name, handle]) =>
      [name, (request: unknown, signal: AbortSignal) => handle.call(methods, request, { signal })] as const,
  );
  return {
    api,
    serves: { service, handlers: Object.fromEntries(handlers) },
    reconcile: ({ assignment }) => {
      const message = `the API ${assignment.api} has methods of its own and reconciles no resources`;
      throw terminal(message, { reason: 'NothingToReconcile' });
    },
  };
}

/** Converts handlers into those of a gRPC server. @param counted runs a call and counts it as in flight. */
export function grpcHandlersOf(
  { handlers }: ServedService,
  counted: (work: () => unknown) => Promise<unknown>,
): Partial<GrpcHandlers<DescService>> {
  const served = Object.entries(handlers).map(([name, handle]) => {
    const serve = (request: unknown, call: grpc.ServerUnaryCall<unknown, unknown>) =>
      counted(() => handle(request, signalOf(call)));
    return [name, serve] as const;
  });
  return Object.fromEntries(served) as unknown as Partial<GrpcHandlers<DescService>>;
}
