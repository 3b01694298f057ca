import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { getPluginInfo } from './get-plugin-info.ts';
import { InfoServer, postgresql } from './testing.ts';

it('returns the response of a plugin', async () => {
  const { address } = await InfoServer.start();
  expect(await getPluginInfo({ address: address }, { timeout: 2_000 })).toMatchObject(postgresql);
});

it('rejects with GetInfoUnimplemented for a server that is not a plugin', async () => {
  const { address } = await InfoServer.startWith({});
  await expect(getPluginInfo({ address: address }, { timeout: 2_000 })).rejects.toMatchObject({
    reason: 'GetInfoUnimplemented',
  });
});

it('rejects with Unreachable if nothing listens', async () => {
  const server = await InfoServer.start();
  server.stop();
  await expect(getPluginInfo({ address: server.address }, { timeout: 2_000 })).rejects.toMatchObject({
    reason: 'Unreachable',
  });
});

it('rejects with Unreachable if the plugin does not answer in time', async () => {
  const { address } = await InfoServer.startWith({ getInfo: () => new Promise(() => undefined) });
  await expect(getPluginInfo({ address: address }, { timeout: 50 })).rejects.toMatchObject({ reason: 'Unreachable' });
});

it('rejects with GetInfoMalformed for an error of the plugin', async () => {
  const { address } = await InfoServer.startWith({
    getInfo: () => {
      throw new Error('out of order');
    },
  });
  await expect(getPluginInfo({ address: address }, { timeout: 2_000 })).rejects.toMatchObject({
    reason: 'GetInfoMalformed',
    message: `GetInfo failed at ${address}: out of order`,
  });
});

it('rejects with GetInfoMalformed for a response that is not a message', async () => {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(getPluginInfo({ address: address }, { timeout: 2_000 })).rejects.toMatchObject({
    reason: 'GetInfoMalformed',
  });
});
