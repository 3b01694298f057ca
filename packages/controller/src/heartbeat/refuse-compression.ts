import http2 from 'node:http2';
import { status } from '@grpc/grpc-js';

/**
 * Answers a call whose messages are compressed. A small message may expand to a large one, and one frame may hold thousands of
 * compressed messages, all of which grpc-js begins to expand. Returns false for a call without compression, which it leaves alone.
 */
export function refuseCompression(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): boolean {
  const encoding = headers['grpc-encoding'];
  if (encoding === undefined || encoding === 'identity') return false;
  stream.on('error', () => undefined);
  stream.respond(
    {
      [http2.constants.HTTP2_HEADER_STATUS]: http2.constants.HTTP_STATUS_OK,
      [http2.constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
      'grpc-accept-encoding': 'identity',
      'grpc-status': status.UNIMPLEMENTED,
      'grpc-message': 'the heartbeat port takes no compressed messages; send them without compression',
    },
    { endStream: true },
  );
  // The peer need not send the rest.
  stream.close(http2.constants.NGHTTP2_NO_ERROR);
  return true;
}
