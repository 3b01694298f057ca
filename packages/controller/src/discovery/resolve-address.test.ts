import { expect, it } from 'vitest';
import { isNamed, resolveAddress } from './resolve-address.ts';

it.each([
  ['db.example:7000', true],
  ['localhost:7000', true],
  ['127.0.0.1:7000', false],
  ['[::1]:7000', false],
  ['nonsense', false],
])('reports whether the host of %s is a name', (address, expected) => {
  expect(isNamed(address)).toBe(expected);
});

it.each(['127.0.0.1:7000', '[::1]:7000'])('leaves %s unchanged', async (address) => {
  expect(await resolveAddress(address)).toEqual([address]);
});

it('resolves a name to all of its addresses, each with the port', async () => {
  const addresses = await resolveAddress('localhost:7000');
  expect(addresses.length).toBeGreaterThan(0);
  for (const address of addresses) expect(['127.0.0.1:7000', '[::1]:7000']).toContain(address);
});

it.each([
  ['nonsense', 'AddressMalformed'],
  [':7000', 'AddressMalformed'],
  ['nowhere.invalid:7000', 'AddressNotResolved'],
])('rejects %s with %s', async (address, reason) => {
  await expect(resolveAddress(address)).rejects.toMatchObject({ name: 'ProbeFailure', reason });
});
