import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { RefusalReason, RegistrationSchema } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { LeasePolicy } from './lease-policy.ts';
import { isUnchanged, RegistrationReader } from './read-registration.ts';

const reader = new RegistrationReader(new LeasePolicy());

function message(given: MessageInitShape<typeof RegistrationSchema> = {}) {
  return create(RegistrationSchema, {
    plugin: 'PostgreSQL',
    version: '1.2.0',
    apis: [{ name: 'DatabaseTable', version: '1.0.0', capabilities: { partitioning: 'hash' } }],
    address: '10.0.0.1:7000',
    instanceId: 'one',
    ...given,
  });
}

describe('RegistrationReader', () => {
  it('reads a registration and fills in defaults', () => {
    expect(reader.read(message(), '10.0.0.1')).toMatchObject({
      plugin: 'PostgreSQL',
      version: '1.2.0',
      address: '10.0.0.1:7000',
      weight: 100,
      lease: { interval: 5_000, ttl: 15_000 },
    });
  });

  it('reads the pod that the instance runs in, and notices its change', () => {
    const pod = { namespace: 'default', name: 'postgresql-1' };
    const known = reader.read(message({ pod }), '10.0.0.1');
    expect(known.pod).toEqual(pod);
    expect(isUnchanged(message({ pod }), known)).toBe(true);
    expect(isUnchanged(message({ pod: { ...pod, name: 'postgresql-2' } }), known)).toBe(false);
    // The pod that a token is bound to needn't be reported.
    expect(isUnchanged(message(), known)).toBe(true);
  });

  it('completes an address without a host with the host of the peer', () => {
    expect(reader.read(message({ address: ':7000' }), '10.0.0.9').address).toBe('10.0.0.9:7000');
    expect(reader.read(message({ address: ':7000' }), 'fd12:3456::9').address).toBe('[fd12:3456::9]:7000');
  });

  it.each([
    ['plugin', { plugin: '' }, /plugin is missing/],
    ['a malformed plugin', { plugin: 'my plugin!' }, /plugin "my plugin!" is malformed/],
    ['version', { version: '' }, /version is missing/],
    ['a wrong version', { version: 'latest' }, /version "latest" is malformed; it must be a semantic version/],
    ['apis', { apis: [] }, /apis is missing; it must be at least one plugin API/],
    ["an API's version", { apis: [{ name: 'Table', version: '1' }] }, /apis\[Table\].version "1" is malformed/],
    ['address', { address: '' }, /address is missing/],
    ['a malformed address', { address: 'nowhere' }, /address "nowhere" is malformed/],
    ['instance id', { instanceId: '' }, /instance_id is missing/],
    ['a weight out of range', { weight: 1_001 }, /weight "1001"/],
    ['a whole pod', { pod: { namespace: 'default' } }, /pod "default\/" is malformed/],
    ['a valid time', { ttl: durationFromMs(-1) }, /ttl "-1 ms" is malformed/],
  ])('refuses a registration without %s, with the reason', (_, given, reason) => {
    expect(() => reader.read(message(given), '10.0.0.1')).toThrow(
      expect.objectContaining({ reason: RefusalReason.INVALID, message: expect.stringMatching(reason) }),
    );
  });

  it.each([
    ['loopback', '127.0.0.1:7000', '10.0.0.1'],
    ['loopback by name', 'localhost:7000', '10.0.0.1'],
    ['the metadata service of a cloud', '169.254.169.254:80', '10.0.0.1'],
    ['unspecified', '0.0.0.0:7000', '127.0.0.1'],
  ])('refuses an address that is %s', (_, address, peer) => {
    expect(() => reader.read(message({ address }), peer)).toThrow(
      expect.objectContaining({ reason: RefusalReason.ADDRESS_NOT_ALLOWED }),
    );
  });

  it('refuses a reserved address, such as that of the API server', () => {
    const careful = new RegistrationReader(new LeasePolicy(), { reserved: ['10.96.0.1:443'] });
    expect(() => careful.read(message({ address: '10.96.0.1:443' }), '10.0.0.1')).toThrow(
      expect.objectContaining({ reason: RefusalReason.ADDRESS_NOT_ALLOWED }),
    );
    expect(() => careful.read(message({ address: ':443' }), '10.96.0.1')).toThrow(/it is that of the API server/);
    const named = new RegistrationReader(new LeasePolicy(), { reserved: ['kubernetes.default.svc:443'] });
    expect(() => named.read(message({ address: 'Kubernetes.Default.svc:443' }), '10.0.0.1')).toThrow(/API server/);
    expect(careful.read(message({ address: '10.96.0.1:444' }), '10.0.0.1').address).toBe('10.96.0.1:444');
  });

  it('accepts loopback addresses from loopback, and from elsewhere only if allowed', () => {
    expect(reader.read(message({ address: '127.0.0.1:7000' }), '127.0.0.1').address).toBe('127.0.0.1:7000');
    const trusting = new RegistrationReader(new LeasePolicy(), { allowLoopback: true });
    expect(trusting.read(message({ address: '127.0.0.1:7000' }), '10.0.0.1').address).toBe('127.0.0.1:7000');
    const strict = new RegistrationReader(new LeasePolicy(), { allowLoopback: false });
    expect(() => strict.read(message({ address: '127.0.0.1:7000' }), '127.0.0.1')).toThrow(/not allowed/);
  });
});

describe('isUnchanged', () => {
  const known = reader.read(message({ labels: { zone: 'a' } }), '10.0.0.1');

  it('recognizes an equal registration', () => {
    expect(isUnchanged(message({ labels: { zone: 'a' } }), known)).toBe(true);
  });

  it.each([
    ['plugin', { plugin: 'MariaDB' }],
    ['version', { version: '1.2.1' }],
    ['address', { address: '10.0.0.1:7001' }],
    ['weight', { weight: 7 }],
    ['labels', { labels: { zone: 'b' } }],
    ['a requested time', { ttl: durationFromMs(30_000) }],
    ['apis', { apis: [{ name: 'DatabaseTable', version: '1.0.0', capabilities: { partitioning: 'range' } }] }],
    [
      'kinds',
      {
        apis: [
          {
            name: 'DatabaseTable',
            version: '1.0.0',
            capabilities: { partitioning: 'hash' },
            extensionKinds: [{ kind: 'X' }],
          },
        ],
      },
    ],
  ])('notices another %s', (_, given) => {
    expect(isUnchanged(message({ labels: { zone: 'a' }, ...given }), known)).toBe(false);
  });
});
