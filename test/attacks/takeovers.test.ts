import * as grpc from '@grpc/grpc-js';
import { RegistryService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { newSecret, RegistryClient } from './secured-operator.ts';

let operator: TestOperator;

beforeEach(async () => {
  operator = await TestOperator.start();
});

const clientOf = (secret?: string) =>
  new RegistryClient(operator.controller.heartbeatAddress, grpc.credentials.createInsecure(), {
    ...(secret !== undefined && { secret }),
  });

const stateOf = (id = 'one') => operator.controller.registry.get(id)?.state;

describe('on the loopback interface, another process', () => {
  // Otherwise one call takes a plugin off for good, and the thief gets its resources.
  it('can not deregister an instance', async () => {
    await clientOf(newSecret()).register();
    expect(await clientOf().deregister('one')).toBe('UNAUTHENTICATED');
    expect(await clientOf(newSecret()).deregister('one')).toBe('UNAUTHENTICATED');
    expect(stateOf()).toBe('live');
  });

  // Otherwise it is called in the place of the instance.
  it('can not open a session for an instance, in any state', async () => {
    const owner = clientOf(newSecret());
    const stream = owner.client.session({ metadata: owner.metadata });
    onTestFinished(() => stream.cancel());
    stream.on('error', () => undefined);
    stream.write({
      message: {
        case: 'registration',
        value: {
          plugin: 'PostgreSQL',
          version: '1.0.0',
          apis: [{ name: 'Table', version: '1.0.0' }],
          address: ':7000',
          instanceId: 'one',
        },
      },
    });
    await vi.waitFor(() => expect(stateOf()).toBe('live'));
    expect(await clientOf(newSecret()).openSession()).toBe('refusal');
    stream.cancel();
    await vi.waitFor(() => expect(stateOf()).toBe('suspect'));
    expect(await clientOf(newSecret()).openSession()).toBe('refusal');
    expect(await clientOf().openSession({ address: ':7001' })).toBe('refusal');
    expect(await owner.openSession()).toBe('lease');
    await owner.deregister('one');
    expect(stateOf()).toBe('draining');
    expect(await clientOf(newSecret()).openSession()).toBe('refusal');
  });

  // Otherwise it gives the instance another name, and with it the resources that prefer this name.
  it('can not rename an instance, nor change anything else of it', async () => {
    await clientOf(newSecret()).register();
    for (const given of [{ plugin: 'SQLite' }, { version: '9.9.9' }, { weight: 1_000 }, { address: ':7001' }, {}]) {
      expect((await clientOf(newSecret()).register(given)).outcome).toBe('UNAUTHENTICATED');
      expect((await clientOf().register(given)).outcome).toBe('UNAUTHENTICATED');
    }
    expect(operator.controller.registry.get('one')?.registration).toMatchObject({ plugin: 'PostgreSQL', weight: 100 });
  });

  // Otherwise a process that lost its secret to a log or a core dump could be moved to a machine of the thief.
  it('can not move an instance, even with its secret', async () => {
    const secret = newSecret();
    await clientOf(secret).register();
    expect((await clientOf(secret).register({ address: ':7001' })).outcome).toBe('INSTANCE_CONFLICT');
    expect(await clientOf(secret).deregister('one')).toBe('OK');
    expect((await clientOf(secret).register({ address: ':7001' })).outcome).toBe('INSTANCE_CONFLICT');
  });

  // Otherwise a secret can be guessed, or fills the memory.
  it.each(['', 'short', 'x'.repeat(31), 'x'.repeat(257)])('can not choose the secret "%s"', async (secret) => {
    expect((await clientOf(secret).register()).outcome).toBe('INVALID');
  });
});

it('a plugin without a secret gets one with its first lease only, and needs it from then on', async () => {
  const { secret } = await clientOf().register();
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect((await clientOf().register()).outcome).toBe('UNAUTHENTICATED');
  expect(await clientOf(secret).register()).toEqual({ outcome: 'accepted', message: '', secret: '' });
  expect(await clientOf(secret).deregister('one')).toBe('OK');
});

it('its owner lifts the draining of an instance by another registration', async () => {
  const owner = clientOf(newSecret());
  await owner.register();
  await owner.deregister('one');
  expect(stateOf()).toBe('draining');
  await owner.register();
  expect(stateOf()).toBe('live');
});

it('honest plugins keep their leases and calls during attacks on their ids', async () => {
  const plugin = await operator.plugin({ name: 'PostgreSQL' });
  operator.table('users');
  await operator.expectReady('users');
  const { instanceId } = plugin;
  for (let attempt = 0; attempt < 200; attempt++) {
    const thief = clientOf(newSecret());
    await Promise.all([
      thief.deregister(instanceId),
      thief.register({ instanceId }),
      thief.openSession({ instanceId }),
    ]);
  }
  expect(operator.controller.registry.get(instanceId)?.state).toBe('live');
  operator.table('orders');
  await operator.expectReady('orders');
  expect(RegistryService.typeName).toBe('kplug.v1.RegistryService');
});
