import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import type { GrpcHandlers } from '@kplug/protocol';
import { signalOf } from './call-signal.ts';
import type { ApiDefinition, ApiImplementation } from './plugin.ts';
import { terminal } from './plugin-error.ts';
import type { ServedService } from './served-service.ts';

type Input<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
type Output<M> = M extends { output: infer O extends DescMessage } ? MessageInitShape<O> : never;

/** The functions that serve the unary methods of a service. One that throws answers with an error. */
export type MethodHandlers<S extends DescService> = {
  [K in keyof S['method'] as S['method'][K] extends { methodKind: 'unary' } ? K : never]: (
    request: Input<S['method'][K]>,
    context: { signal: AbortSignal },
  ) => Output<S['method'][K]> | Promise<Output<S['method'][K]>>;
};

/** A plugin API whose methods an operator's author has defined in a `.proto` file of their own. */
export interface OwnApiImplementation<S extends DescService> {
  /** As `Name@1.0.0`, or in full. */
  api: string | ApiDefinition;
  /** The service, as generated from the `.proto` file by protobuf-es. */
  service: S;
  methods: MethodHandlers<S>;
}

/**
 * Says what a plugin does for an API that has methods of its own and no resources:
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
      const message = `the API ${assignment.api} has methods of its own, and none of its resources is reconciled`;
      throw terminal(message, { reason: 'NothingToReconcile' });
    },
  };
}

/** Handlers as a server takes them. @param counted runs the work of a call, and knows that it is under way. */
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
