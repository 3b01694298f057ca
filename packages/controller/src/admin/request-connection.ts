import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { Code, ConnectError, type ContextValues, createContextKey, createContextValues } from '@connectrpc/connect';
import type { ConnectionSecurity } from '../ports/connection.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Connection that a request came on. */
export interface RequestConnection {
  /** Host of the client. */
  peer: string;
  encrypted: boolean;
  /** True if the client is a process of this machine or pod. */
  isSameMachine: boolean;
  /** Resets the request's stream, or its connection with HTTP/1.1, and drops the data that waits to be sent. */
  reset(): void;
}

/** Key of the connection in the context of a request. */
export const requestConnection = createContextKey<RequestConnection>(
  { peer: '', encrypted: false, isSameMachine: false, reset: () => undefined },
  { description: 'connection of the request' },
);

/** Provides services with the connections of their requests. */
export class RequestConnections {
  readonly #responses = new WeakMap<Request, Response>();
  readonly #securityOf: (request: Request) => ConnectionSecurity | undefined;

  /** @param securityOf returns the security of a request's connection; `undefined` when that is closed. */
  constructor(securityOf: (request: Request) => ConnectionSecurity | undefined) {
    this.#securityOf = securityOf;
  }

  /** Returns a handler that records the response of each request. */
  recording(handler: (request: Request, response: Response) => void): (request: Request, response: Response) => void {
    return (request, response) => {
      this.#responses.set(request, response);
      handler(request, response);
    };
  }

  /** Returns the context of a request. */
  contextOf(request: Request): ContextValues {
    const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=.*\.)/, '');
    const { encrypted = false, isSameMachine = false } = this.#securityOf(request) ?? {};
    const reset = () => {
      const response = this.#responses.get(request);
      // Connect prints the error of an unfinished write unless its code is `aborted`.
      if (response && response.listenerCount('error') > 0)
        response.emit('error', new ConnectError('the response is not read', Code.Aborted));
      if ('stream' in request) request.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else request.socket.destroy();
    };
    return createContextValues().set(requestConnection, { peer, encrypted, isSameMachine, reset });
  }
}
