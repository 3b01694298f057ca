import { expect, it } from 'vitest';
import { getPluginInfo } from './get-plugin-info.ts';
import { checkAddress, idOf, readInfo } from './read-info.ts';
import { InfoServer, postgresql, probeParts } from './testing.ts';

const declaration = { source: 'service', namespace: 'default', name: 'postgresql' } as const;
const lease = { interval: 100, ttl: 300 };

it('reads the response of a plugin as a registration', async () => {
  const { address } = await InfoServer.start();
  const { parts } = probeParts();
  const pod = { namespace: 'default', name: 'postgresql-0' };
  const info = await getPluginInfo({ address: address }, { timeout: 2_000 });
  expect(readInfo(info, { address, declaration, pod, lease }, parts.reader)).toMatchObject({
    plugin: 'PostgreSQL',
    version: '1.2.0',
    apis: [{ name: 'Table' }],
    address,
    instanceId: `default/postgresql@${address}`,
    declaration,
    pod,
    lease,
  });
});

it('throws GetInfoMalformed for an invalid response', async () => {
  const { address } = await InfoServer.start({ ...postgresql, version: 'latest' });
  const { parts } = probeParts();
  const info = await getPluginInfo({ address: address }, { timeout: 2_000 });
  expect(() => readInfo(info, { address, declaration, pod: undefined, lease }, parts.reader)).toThrow(
    expect.objectContaining({
      reason: 'GetInfoMalformed',
      message: expect.stringMatching(/answers GetInfo with an invalid response: version "latest" is malformed/),
    }),
  );
});

it('throws AddressNotAllowed for a reserved address', () => {
  const { parts } = probeParts({ reserved: ['127.0.0.1:6443'] });
  expect(() => checkAddress('127.0.0.1:7000', parts.reader)).not.toThrow();
  expect(() => checkAddress('127.0.0.1:6443', parts.reader)).toThrow(
    expect.objectContaining({ reason: 'AddressNotAllowed' }),
  );
});

it('gives each address an instance id of at most 128 characters', () => {
  const long = { ...declaration, name: 'x'.repeat(200) };
  const ids = [idOf(long, '127.0.0.1:7000'), idOf(long, '127.0.0.1:7001'), idOf(declaration, '127.0.0.1:7000')];
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id.length).toBeLessThanOrEqual(128);
});
