import { startTimeout, type TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AttachableOperator, attachableCluster, userPlugin, waitOptions } from './attach.fixture.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await attachableCluster();
}, startTimeout);

afterAll(() => cluster?.close());

const plugin = ['--', process.execPath, userPlugin];
const lease = ['--lease', '5s'];

describe('kplug attach on a cluster', () => {
  it('takes over the selected resources only, says so, and hands them back at Ctrl-C', {
    timeout: 60_000,
  }, async () => {
    const operator = await AttachableOperator.start(cluster);
    await operator.serve();
    await operator.table('mine', { owner: 'me' });
    await operator.table('others', { owner: 'you' });
    await operator.expectBy('mine', 'cluster');
    const untouched = await operator.expectBy('others', 'cluster');

    const attached = operator.attach(['--selector', 'owner=me', ...plugin]);
    const taken = await operator.expectBy('mine', 'laptop').catch((error) => {
      throw new Error(`${error.message}\n${attached.stdout}\n${attached.stderr}`);
    });
    const selected = taken.status?.conditions?.find(({ type }) => type === 'PluginSelected');
    expect(selected).toMatchObject({ status: 'True', reason: 'Attached' });
    expect(selected?.message).toMatch(/^PostgreSQL 1\.0\.0\+attached\.\S+ was attached by \S+ \(Attachment /);
    await vi.waitFor(() => expect(attached.stderr).toMatch(/mine +yes +PostgreSQL 1\.0\.0 +True/), waitOptions);
    expect(attached.stderr).not.toContain('others');
    expect(attached.stderr).toMatch(/Table\/mine: reconciled, ready/);
    expect(await operator.read('others')).toEqual(untouched);

    attached.kill('SIGINT');
    const { code, stderr } = await attached.ended();
    expect(stderr).toContain('handed back');
    expect(code).toBe(0);
    await operator.expectBy('mine', 'cluster');
    expect(await operator.attachments()).toEqual([]);
    expect(await operator.read('others')).toEqual(untouched);
  });

  it('hands the resources back after the lease when its process is killed', { timeout: 60_000 }, async () => {
    const operator = await AttachableOperator.start(cluster);
    await operator.serve();
    await operator.table('mine', { owner: 'me' });
    await operator.expectBy('mine', 'cluster');
    const attached = operator.attach(['--selector', 'owner=me', ...lease, ...plugin]);
    await operator.expectBy('mine', 'laptop');
    attached.kill('SIGKILL');
    await operator.expectBy('mine', 'cluster');
    await vi.waitFor(async () => expect(await operator.attachments()).toEqual([]), waitOptions);
  });
});
