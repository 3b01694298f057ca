import type http2 from 'node:http2';
import type net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { KplugError } from '../errors.ts';
import { http2Options } from '../ports/http2-guard.ts';

/** HTTP/2 server of a grpc-js server, and a function that gives it a connection. */
export interface GrpcInjector {
  http2Server: http2.Http2Server;
  inject: (socket: net.Socket) => void;
  /** Ends all sessions immediately. */
  close: () => void;
}

/**
 * Makes a grpc-js server serve connections that it doesn't accept itself. Its HTTP/2 server, which has the events that the guard of
 * floods needs, is not part of its public interface (1.14); throws if it isn't found.
 */
export function injectorOf(server: grpc.Server): GrpcInjector {
  // Its options have no equivalent in those of grpc-js.
  Object.assign(Object(Reflect.get(server, 'commonServerOptions')), http2Options);
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const servers: unknown = Reflect.get(server, 'http2Servers');
  const http2Server = servers instanceof Map ? [...servers.keys()].at(-1) : undefined;
  if (!http2Server) {
    const message = 'this version of @grpc/grpc-js does not show its HTTP/2 server; install a version 1.14 of it';
    throw new KplugError('InvalidConfiguration', message);
  }
  return {
    http2Server,
    inject: (socket) => injector.injectConnection(socket),
    close: () => {
      injector.drain(0);
      server.forceShutdown();
    },
  };
}
