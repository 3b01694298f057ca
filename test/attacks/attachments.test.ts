import { randomBytes } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { AttachmentService, createGrpcClient, RegistryService } from '@kplug/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findFreePort } from '../../packages/cli/src/attach/local-forward.ts';
import { AttachingOperator } from '../attached-in-memory.ts';
import { type RegistrationInit, RegistryClient } from './secured-operator.ts';

const waitOptions = { timeout: 15_000, interval: 10 };

const clientOf = ({ address }: AttachingOperator, token?: string) =>
  new RegistryClient(address, grpc.credentials.createInsecure(), token === undefined ? {} : { token });

const register = async (operator: AttachingOperator, token: string | undefined, given: RegistrationInit) => {
  const { outcome } = await clientOf(operator, token).register({ address: '127.0.0.1:7000', ...given });
  return outcome;
};

/** Opens a tunnel. Returns `open`, or the code of the refusal. */
function openTunnel({ address }: AttachingOperator, attachment: string, token: string): Promise<string> {
  const client = createGrpcClient(AttachmentService, address, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  metadata.set('kplug-attachment', attachment);
  const call = client.tunnel({ metadata });
  onTestFinished(() => call.cancel());
  return new Promise((resolve) => {
    call.once('data', () => resolve('open'));
    call.once('error', (error: grpc.ServiceError) => resolve(grpc.status[error.code] ?? ''));
  });
}

/** Starts an operator with an attachment of two users, and the plugin of the cluster. */
async function start() {
  const operator = await AttachingOperator.start();
  await operator.serve();
  const token = operator.attach({ name: 'ann' });
  const other = operator.attach({ name: 'bob', namespace: 'elsewhere' });
  await vi.waitFor(() => {
    expect(operator.attached('ann').reason).toBe('NotConnected');
    expect(operator.attached('bob', 'elsewhere').reason).toBe('NotConnected');
  }, waitOptions);
  return { operator, token, other };
}

describe('an attached plugin is known by the token of its attachment', () => {
  // Without it, any process that reaches the port would reconcile what a user attached.
  it.each(['none', 'wrong', 'other'] as const)('and not without it: %s', async (given) => {
    const { operator, other } = await start();
    const token = { none: undefined, wrong: randomBytes(32).toString('base64url'), other }[given];
    expect(await register(operator, token, { instanceId: 'attachment/default/ann' })).toBe('UNAUTHENTICATED');
    expect(await openTunnel(operator, 'default/ann', token ?? '')).toBe('UNAUTHENTICATED');
    expect(operator.isRegistered('default/ann')).toBe(false);
  });

  // Without it, the hash, which everyone who reads attachments sees, would be as good as the token.
  it('of which the hash is not one', async () => {
    const { operator, token } = await start();
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(token).digest('hex');
    expect(await register(operator, hash, { instanceId: 'attachment/default/ann' })).toBe('UNAUTHENTICATED');
  });

  // Without it, the token would make any number of ordinary plugins, whose calls nobody restricts.
  it('and the token registers no other instance, nor lists plugins', async () => {
    const { operator, token } = await start();
    for (const instanceId of [
      'one',
      'attachment',
      'attachment/default/ann/2',
      'folder/ann',
      'attachment/default/zoe',
    ]) {
      expect(await register(operator, token, { instanceId }), instanceId).toBe('UNAUTHENTICATED');
    }
    expect(await clientOf(operator, token).list()).toBe('UNAUTHENTICATED');
  });

  // Without it, a process of a former attachment would go on after that has ended.
  it('which ends with the attachment, as does the instance', async () => {
    const { operator, token } = await start();
    await operator.runAttached('default/ann', token);
    expect(operator.isRegistered('default/ann')).toBe(true);
    operator.detach('ann');
    await vi.waitFor(() => expect(operator.isRegistered('default/ann')).toBe(false), waitOptions);
    expect(await register(operator, token, { instanceId: 'attachment/default/ann' })).toBe('UNAUTHENTICATED');
    expect(await openTunnel(operator, 'default/ann', token)).toBe('UNAUTHENTICATED');
  });

  // Without it, an attachment that is created again under the same name would accept the former token.
  it('and not by that of a former attachment of the same name', async () => {
    const { operator, token } = await start();
    operator.detach('ann');
    operator.attach({ name: 'ann' });
    await vi.waitFor(() => expect(operator.attached('ann').reason).toBe('NotConnected'), waitOptions);
    expect(await register(operator, token, { instanceId: 'attachment/default/ann' })).toBe('UNAUTHENTICATED');
  });
});

describe('an attached plugin is called for the resources of its attachment only', () => {
  // Without it, one who may attach in a namespace would reconcile the resources of all.
  it('and not for those of other namespaces, delegations and labels', async () => {
    const other = { name: 'chairs', base: { apiVersion: 'myorg.org/v1alpha1', kind: 'Chair' } };
    const operator = await AttachingOperator.start({}, other);
    await operator.serve();
    const called = vi.fn(({ base }) => ({
      status: { by: `user, for ${base.metadata.namespace}/${base.metadata.name}` },
    }));
    const token = operator.attach({ name: 'ann', namespace: 'hers' });
    await operator.runAttached('hers/ann', token, { version: '9.0.0', reconcile: called });
    operator.table('own', { owner: 'me' }, { namespace: 'hers' });
    operator.table('unlabelled', {}, { namespace: 'hers' });
    operator.table('foreign', { owner: 'me' });
    operator.table('chair', { owner: 'me' }, { namespace: 'hers', kind: 'Chair' });
    await operator.expectBy('own', 'user, for hers/own', { namespace: 'hers' });
    await operator.expectBy('unlabelled', 'PostgreSQL of the cluster', { namespace: 'hers' });
    await operator.expectBy('foreign', 'PostgreSQL of the cluster');
    await operator.expectBy('chair', 'PostgreSQL of the cluster', { namespace: 'hers', kind: 'Chair' });
    expect(called.mock.calls.map(([{ base }]) => base.metadata.name)).toEqual(['own']);
  });

  // Without it, a status that names an attached version would send the resources of one namespace to the machine of a user of another.
  it('even if the status of another resource names it', async () => {
    const operator = await AttachingOperator.start();
    const finalized = vi.fn(() => ({}));
    const token = operator.attach({ name: 'ann', namespace: 'hers' });
    await operator.runAttached('hers/ann', token, { finalize: finalized });
    const cluster = vi.fn(() => ({}));
    await operator.serve({ finalize: cluster });
    operator.table('users', { owner: 'me' });
    await operator.expectBy('users', 'PostgreSQL of the cluster');
    const key = 'myorg.org/v1alpha1/Table/default/users';
    const { resources } = operator.operator;
    const stored = resources.get(key) ?? expect.fail();
    const forged = { name: 'PostgreSQL', version: '1.0.0+attached.hers.ann', api: 'Table', apiVersion: '1.0.0' };
    await resources.applyStatus(
      key,
      { ...stored.status, plugin: forged },
      { uid: stored.metadata.uid, fieldManager: 'kplug/tables' },
    );
    resources.delete(key);
    await vi.waitFor(() => expect(cluster).toHaveBeenCalledOnce(), waitOptions);
    expect(finalized).not.toHaveBeenCalled();
  });

  // Without it, a name would be taken from its owner, or the list of plugins would show a laptop as a replica.
  it('and is neither in the list of plugins nor the owner of a name', async () => {
    const { operator, token } = await start();
    await operator.runAttached('default/ann', token, { name: 'MariaDB' });
    const client = createGrpcClient(RegistryService, operator.address, grpc.credentials.createInsecure());
    onTestFinished(() => client.$client.close());
    const { instances } = await client.listPlugins({});
    expect(instances.map(({ registration }) => registration?.plugin)).toEqual(['PostgreSQL']);
    await operator.serve({ name: 'MariaDB' });
  });

  // Without it, a build that hangs would suspend the plugin of the cluster, which has the same name and version.
  it('and does not suspend the plugin for which it stands in', async () => {
    const operator = await AttachingOperator.start({ deadline: 200, breaker: { timeouts: 2, coolDown: 60_000 } });
    await operator.serve();
    const token = operator.attach({ name: 'ann' });
    const hanging = Promise.withResolvers<Record<string, never>>();
    const called = vi.fn(() => hanging.promise);
    await operator.runAttached('default/ann', token, { reconcile: called });
    for (const name of ['a', 'b', 'c', 'd']) operator.table(name, { owner: 'me' });
    await vi.waitFor(() => expect(called.mock.calls.length).toBeGreaterThan(3), waitOptions);
    await vi.waitFor(() => {
      operator.table('late', { owner: 'me' });
      expect(operator.reason('late')).toBe('PluginSuspended');
    }, waitOptions);
    operator.table('other', { owner: 'you' });
    await operator.expectBy('other', 'PostgreSQL of the cluster');
    hanging.resolve({});
  });
});

// Without it, the operator, or who controls it, would reach any service of the user's machine.
it('the tunnel leads to the port of the plugin only, whatever address that registers', async () => {
  const { operator, token } = await start();
  const reached = vi.fn();
  const { createServer } = await import('node:net');
  const server = createServer(reached);
  onTestFinished(() => void server.close());
  const port = await findFreePort();
  server.listen(port, '127.0.0.1');
  operator.table('users', { owner: 'me' });
  expect(await openTunnel(operator, 'default/ann', token)).toBe('open');
  const address = `127.0.0.1:${port}`;
  expect(await register(operator, token, { instanceId: 'attachment/default/ann', address })).toBe('accepted');
  await operator.expectBy('users', 'PostgreSQL of the cluster');
  expect(reached).not.toHaveBeenCalled();
});
