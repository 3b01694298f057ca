import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { reasonIn } from './stream-reset.ts';

/** Returns the text of grpc-js for a session that a server resets with a code of HTTP/2. */
async function textFor(code: number): Promise<string> {
  const server = http2.createServer().on('stream', (stream) => {
    stream.on('error', () => undefined).respond({ 'content-type': 'application/grpc' });
    stream.close(code);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createGrpcClient(RegistryService, `127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => {
    client.$client.close();
    server.close();
  });
  const { details } = await new Promise<grpc.ServiceError>((resolve) => {
    client.session({}).on('error', resolve);
  });
  return details;
}

it.each(['NGHTTP2_NO_ERROR', 'NGHTTP2_CANCEL'] as const)(
  'a session that ends with %s, as the server shuts down, has a reason for people',
  async (name) => {
    const text = await textFor(http2.constants[name]);
    expect(reasonIn(text)).toBe('the controller closed the session; it probably shut down');
  },
);

it('other reasons stay as they are', async () => {
  expect(reasonIn('the operator shut down')).toBe('the operator shut down');
  const text = await textFor(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(reasonIn(text)).toBe(text);
});
