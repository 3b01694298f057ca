import { describe, expect, it, vi } from 'vitest';
import { AttachingOperator } from './attached-in-memory.ts';

const waitOptions = { timeout: 15_000, interval: 10 };

describe('an attached plugin', () => {
  it('gets the resources that match, even in the version of the plugin of the cluster, until its attachment ends', async () => {
    const operator = await AttachingOperator.start();
    await operator.serve();
    operator.table('mine', { owner: 'me' });
    operator.table('other', { owner: 'you' });
    await operator.expectBy('mine', 'PostgreSQL of the cluster');
    const token = operator.attach({ name: 'ann' });
    const { notices } = await operator.runAttached('default/ann', token);
    await operator.expectBy('mine', 'PostgreSQL of the user');
    operator.table('later', { owner: 'me' });
    await operator.expectBy('later', 'PostgreSQL of the user');
    expect(operator.by('other')).toBe('PostgreSQL of the cluster');
    await vi.waitFor(() => expect(notices).toContain('Table/mine: reconciled, ready'), waitOptions);
    await vi.waitFor(() => {
      const message = expect.stringMatching(
        /^2 of 2 matching resources are reconciled by PostgreSQL 1\.0\.0\+attached\./,
      );
      expect(operator.attached('ann')).toMatchObject({ status: 'True', reason: 'Attached', message });
    }, waitOptions);
    operator.detach('ann');
    await operator.expectBy('mine', 'PostgreSQL of the cluster');
    await operator.expectBy('later', 'PostgreSQL of the cluster');
  });

  it('gets a resource when its labels begin to match, and loses it when they no longer do', async () => {
    const operator = await AttachingOperator.start();
    await operator.serve();
    await operator.runAttached('default/ann', operator.attach({ name: 'ann' }));
    operator.table('users', { owner: 'you' });
    await operator.expectBy('users', 'PostgreSQL of the cluster');
    await vi.waitFor(() => expect(operator.attached('ann').reason).toBe('NothingMatches'), waitOptions);
    operator.table('users', { owner: 'me' });
    await operator.expectBy('users', 'PostgreSQL of the user');
    operator.table('users', { owner: 'you' });
    await operator.expectBy('users', 'PostgreSQL of the cluster');
  });

  it('takes nothing from plugins of other names, and finalizes nothing', async () => {
    const finalized = vi.fn(() => ({}));
    const operator = await AttachingOperator.start({ handOver: 'finalize' });
    await operator.serve({ finalize: finalized });
    operator.table('users', { owner: 'me' });
    await operator.expectBy('users', 'PostgreSQL of the cluster');
    await operator.runAttached('default/ann', operator.attach({ name: 'ann' }), { name: 'MariaDB', version: '9.0.0' });
    await vi.waitFor(() => expect(operator.attached('ann').reason).toBe('NotChosen'), waitOptions);
    expect(operator.by('users')).toBe('PostgreSQL of the cluster');
    const token = operator.attach({ name: 'bob', labels: { owner: 'bob' } });
    operator.table('orders', { owner: 'bob' });
    await operator.expectBy('orders', 'PostgreSQL of the cluster');
    await operator.runAttached('default/bob', token, { version: '2.0.0', finalize: finalized });
    await operator.expectBy('orders', 'PostgreSQL of the user');
    operator.detach('bob');
    await operator.expectBy('orders', 'PostgreSQL of the cluster');
    expect(finalized).not.toHaveBeenCalled();
  });

  it('finalizes a resource that is deleted while it is attached', async () => {
    const [ofCluster, ofUser] = [vi.fn(() => ({})), vi.fn(() => ({}))];
    const operator = await AttachingOperator.start();
    await operator.serve({ finalize: ofCluster });
    const { metadata } = operator.table('users', { owner: 'me' });
    await operator.runAttached('default/ann', operator.attach({ name: 'ann' }), { finalize: ofUser });
    await operator.expectBy('users', 'PostgreSQL of the user');
    operator.operator.resources.delete(`myorg.org/v1alpha1/Table/default/${metadata.name}`);
    await vi.waitFor(() => expect(ofUser).toHaveBeenCalledOnce(), waitOptions);
    expect(ofCluster).not.toHaveBeenCalled();
  });

  it('yields to an older attachment, whose end brings it the resources', async () => {
    const operator = await AttachingOperator.start();
    await operator.serve();
    operator.table('users', { owner: 'me' });
    await operator.runAttached('default/old', operator.attach({ name: 'old' }), {
      reconcile: () => ({ status: { by: 'old' } }),
    });
    await operator.expectBy('users', 'old');
    await vi.waitFor(() => expect(operator.attached('old').reason).toBe('Attached'), waitOptions);
    // Times of creation are in whole seconds.
    const second = () => new Date().toISOString().slice(0, 19);
    const former = second();
    await vi.waitFor(() => expect(second()).not.toBe(former), waitOptions);
    await operator.runAttached('default/young', operator.attach({ name: 'young' }), {
      reconcile: () => ({ status: { by: 'young' } }),
    });
    await vi.waitFor(() => {
      const message = 'all matching resources belong to older attachments, such as default/old';
      expect(operator.attached('young')).toMatchObject({ status: 'False', reason: 'TakenByOthers', message });
    }, waitOptions);
    expect(operator.by('users')).toBe('old');
    operator.detach('old');
    await operator.expectBy('users', 'young');
  });

  it('leaves its resources to the plugin of the cluster while its machine is not connected', async () => {
    const operator = await AttachingOperator.start();
    await operator.serve();
    operator.table('users', { owner: 'me' });
    const { tunnel } = await operator.runAttached('default/ann', operator.attach({ name: 'ann' }));
    await operator.expectBy('users', 'PostgreSQL of the user');
    tunnel.close();
    await operator.expectBy('users', 'PostgreSQL of the cluster');
    await vi.waitFor(() => expect(operator.attached('ann').reason).toBe('NotConnected'), waitOptions);
  });

  it('keeps its resources while its lease is renewed, and no longer', { timeout: 40_000 }, async () => {
    const operator = await AttachingOperator.start();
    await operator.serve();
    operator.table('users', { owner: 'me' });
    const token = operator.attach({ name: 'ann', seconds: 5 });
    await operator.runAttached('default/ann', token);
    await operator.expectBy('users', 'PostgreSQL of the user');
    const startedAt = performance.now();
    while (performance.now() - startedAt < 7_000) {
      operator.attach({ name: 'ann', seconds: 5 }, token);
      expect(operator.by('users')).toBe('PostgreSQL of the user');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await operator.expectBy('users', 'PostgreSQL of the cluster');
    expect(operator.isRegistered('default/ann')).toBe(false);
    // A renewal that comes too late changes nothing.
    operator.attach({ name: 'ann', seconds: 5 }, token);
    await vi.waitFor(() => expect(operator.attached('ann').reason).toBe('Expired'), waitOptions);
    expect(operator.by('users')).toBe('PostgreSQL of the cluster');
  });

  it('says which delegations there are when it names another one', async () => {
    const operator = await AttachingOperator.start();
    operator.attach({ name: 'ann', delegation: 'chairs' });
    await vi.waitFor(() => {
      const message = 'there is no delegation "chairs"; there are: tables';
      expect(operator.attached('ann')).toMatchObject({ reason: 'DelegationNotFound', message });
    }, waitOptions);
  });
});
