import * as grpc from '@grpc/grpc-js';
import { TestOperator } from '@kplug/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { AddressChecker } from '../../packages/controller/src/registry/address-checker.ts';
import { newSecret, RegistryClient } from './secured-operator.ts';

let operator: TestOperator;

beforeEach(async () => {
  operator = await TestOperator.start({}, { addresses: { allowLoopback: false, reserved: ['kubernetes.test:443'] } });
});

const register = (address: string) =>
  new RegistryClient(operator.controller.heartbeatAddress, grpc.credentials.createInsecure(), {
    secret: newSecret(),
  }).register({ address, instanceId: address.slice(0, 100) || 'none' });

// Otherwise the operator sends calls, with the contents of resources, to its own ports, to the metadata service of its cloud, or to others
// that only it can reach, and tells by its status what answers there.
describe('no plugin has the address', () => {
  it.each([
    '127.0.0.1:7000',
    'localhost:7000',
    'LOCALHOST:7000',
    'localhost.:7000',
    'a.localhost:7000',
    '127.1:7000',
    '2130706433:7000',
    '0x7f.1:7000',
    '0x7f000001:7000',
    '0177.0.0.1:7000',
    '[::1]:7000',
    '[0:0:0:0:0:0:0:1]:7000',
    '[::ffff:127.0.0.1]:7000',
    '[::ffff:7f00:1]:7000',
    '[64:ff9b::127.0.0.1]:7000',
    '[64:ff9b::7f00:1]:7000',
    '[::127.0.0.1]:7000',
    '169.254.169.254:80',
    '[::ffff:169.254.169.254]:80',
    '[fe80::1]:7000',
    '[fd00:ec2::254]:80',
    '[fd20:ce::254]:80',
    '168.63.129.16:80',
    '100.100.100.200:80',
    '0.0.0.0:7000',
    '0.1.2.3:7000',
    '[::]:7000',
    '224.0.0.1:7000',
    '255.255.255.255:7000',
    '[ff02::1]:7000',
    '240.0.0.1:7000',
    '198.18.0.1:7000',
    '[2002:7f00:1::]:7000',
    '[100::1]:7000',
    '10.96.1:443',
    'kubernetes.test:443',
    'KUBERNETES.Test.:443',
  ])('%s', async (address) => expect((await register(address)).outcome).toBe('ADDRESS_NOT_ALLOWED'));

  it.each([
    'unix:/run/x.sock',
    'unix:///run/x.sock',
    'unix-abstract:x',
    'dns:///localhost:7000',
    'ipv4:127.0.0.1:7000',
    'http://10.0.0.1:7000',
    '10.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '[10.0.0.1]:7000',
    `${'a.'.repeat(127)}x:7000`,
    'a b:7000',
    'user@10.0.0.1:7000',
  ])('%s, which is malformed', async (address) => expect((await register(address)).outcome).toBe('INVALID'));

  // `unix:1234` would be a socket to gRPC, and is a host and port to others.
  it('unix:1234', async () => {
    expect(['ADDRESS_NOT_ALLOWED', 'INVALID']).toContain((await register('unix:1234')).outcome);
  });
});

describe('a name', () => {
  const resolving = (...hosts: string[]) =>
    new AddressChecker({ reserved: ['kubernetes.default.svc:443', '10.0.0.9:6443'] }, async (host) =>
      host === 'kubernetes.default.svc' ? ['10.96.0.1'] : hosts,
    );

  // Otherwise a name that its owner controls leads to any address.
  it.each([
    [['127.0.0.1'], 443],
    [['10.0.0.1', '169.254.169.254'], 443],
    [['10.0.0.1', '::1'], 443],
    [['fd00:ec2::254'], 80],
    [['10.96.0.1'], 443],
    [['::ffff:10.96.0.1'], 443],
    [['10.0.0.9'], 6443],
    [[], 443],
  ])('that resolves to %s is refused at port %i', async (hosts, port) => {
    const checker = resolving(...hosts);
    const address = checker.read(`plugin.example.org:${port}`, '10.0.0.1', false);
    await expect(checker.resolve(address, '10.0.0.1', false)).rejects.toMatchObject({
      message: expect.stringContaining('is not allowed'),
    });
  });

  // Otherwise it resolves to another address when it is called than when it was checked.
  it('is connected to by the address that was checked', async () => {
    let asked = 0;
    const checker = new AddressChecker({}, async () => (asked++ === 0 ? ['10.0.0.1'] : ['127.0.0.1']));
    expect(await checker.resolve('plugin.example.org:7000', '10.0.0.2', false)).toBe('10.0.0.1:7000');
    expect(asked).toBe(1);
  });

  it('that can not be resolved is refused, with the reason', async () => {
    const checker = new AddressChecker({}, async () => Promise.reject(new Error('ENOTFOUND')));
    await expect(checker.resolve('plugin.example.org:7000', '10.0.0.2', false)).rejects.toMatchObject({
      message: expect.stringContaining("can't be resolved: ENOTFOUND"),
    });
  });
});
