import type { ServerHttp2Stream } from 'node:http2';

/** Returns the HTTP/2 stream of a call. grpc-js has no method for it. */
export function http2StreamOf(call: object): ServerHttp2Stream | undefined {
  const { stream } = (call as { call?: { stream?: ServerHttp2Stream } }).call ?? {};
  return typeof stream?.close === 'function' ? stream : undefined;
}
