import { describe, expect, it } from 'vitest';
import { checkPodAddress } from './check-pod-address.ts';

const identity = { kind: 'serviceaccount', namespace: 'db', name: 'pg', pod: { name: 'pg-1', uid: 'u' } } as const;
const network = { addressesOf: async () => ['10.0.0.1', 'fd12::1', '10.96.0.7'] };

describe('the address of a pod', () => {
  it.each([
    ['the one that it calls from', { address: '10.0.0.1:7000' }, '10.0.0.1', undefined],
    ['another one of its own', { address: '[fd12::1]:7000' }, '10.0.0.1', network],
    ['that of a Service that selects it', { address: 'pg.db.svc:80', target: '10.96.0.7:80' }, '10.0.0.1', network],
  ])('may be %s', async (_, registration, peer, lookup) => {
    await expect(checkPodAddress(registration, identity, peer, lookup)).resolves.toBeUndefined();
  });

  it.each([
    ['that of another pod', { address: '10.0.0.2:7000' }, network],
    ['a name that resolves to another pod', { address: 'pg.db.svc:80', target: '10.0.0.2:80' }, network],
    ['another one while pods can not be read', { address: '10.0.0.2:7000' }, undefined],
    ['another one of a pod that does not exist', { address: '10.0.0.2:7000' }, { addressesOf: async () => [] }],
  ])('may not be %s', async (_, registration, lookup) => {
    await expect(checkPodAddress(registration, identity, '10.0.0.1', lookup)).rejects.toMatchObject({
      message: expect.stringContaining('neither that of the pod db/pg-1 nor that of a Service that selects it'),
    });
  });

  it('is not checked for a token that is bound to no pod', async () => {
    const unbound = { kind: 'serviceaccount', namespace: 'db', name: 'pg' } as const;
    await expect(checkPodAddress({ address: '10.0.0.2:7000' }, unbound, '10.0.0.1', network)).resolves.toBeUndefined();
  });
});
