import { describe, expect, it } from 'vitest';
import { type PluginAnswer, plainSuccess, type ResourceRequirement } from '../../clients/plugin-call.ts';
import { PluginName } from '../../names.ts';
import { Walks } from '../../queue/walks.ts';
import type { Manifest } from '../../resources/check-manifest.ts';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import { RequirementFollower } from './requirement-follower.ts';

const apiVersion = 'myorg.org/v1';
const plan = (name: string): ResourceRequirement => ({ apiVersion, kind: 'Plan', namespace: '', name, labels: {} });
const labelled = (labels: Record<string, string>): ResourceRequirement => ({ ...plan(''), labels });
const answer = (requirements: Record<string, ResourceRequirement>, more: Partial<PluginAnswer> = {}): PluginAnswer => ({
  ...plainSuccess,
  requirements: new Map(Object.entries(requirements)),
  ...more,
});

const plugin = { plugin: new PluginName('Planner'), version: '1.0.0' };

function start() {
  const resources = new MemoryResources();
  const requeued: string[] = [];
  const follower = new RequirementFollower({
    settings: { requirements: { kinds: [{ apiVersion, kind: 'Plan', namespaces: [] }] } },
    resources,
    walks: new Walks(),
    requeue: (key) => void requeued.push(key),
    enter: () => undefined,
  });
  const apply = (name: string, labels: Record<string, string> = {}, kind = 'Plan') =>
    resources.apply({ apiVersion, kind, metadata: { name, labels } } satisfies Manifest);
  return { resources, follower, requeued, apply, base: apply('base', {}, 'Table') };
}

describe('a requirement follower', () => {
  it('ignores what the success of a finalization requires, and an answer that requires nothing', async () => {
    const { follower, base } = start();
    expect(await follower.answered(base, plugin, answer({ a: plan('a') }), false)).toHaveLength(1);
    expect(await follower.answered(base, plugin, answer({ b: plan('b') }), true)).toEqual([]);
    expect(await follower.answered(base, plugin, answer({}, { outcome: 'retry' }), true)).toEqual([]);
    expect([...follower.find(base, plugin).keys()]).toEqual(['a']);
    const unfinished = answer({ b: plan('b') }, { outcome: 'retry' });
    expect(await follower.answered(base, plugin, unfinished, true)).toMatchObject([{ name: 'a' }, { name: 'b' }]);
    expect([...follower.find(base, plugin).keys()]).toEqual(['b']);
  });

  it('knows nothing of a base that was created again, or of another version of the plugin', async () => {
    const { follower, base } = start();
    await follower.answered(base, plugin, answer({ a: plan('a') }), false);
    const again = { ...base, metadata: { ...base.metadata, uid: 'another' } };
    expect(follower.find(again, plugin).size).toBe(0);
    expect(follower.find(base, { ...plugin, version: '2.0.0' }).size).toBe(0);
    follower.remove(base, plugin);
    expect(follower.find(base, plugin).size).toBe(0);
  });

  it('finds resources that get or lose their labels while it looks for them', async () => {
    const { follower, base, apply, resources } = start();
    for (let index = 0; index < 2_000; index++) apply(`other-${index}`, { tier: 'silver' });
    apply('loses', { tier: 'gold' });
    apply('stays', { tier: 'gold' });
    apply('vanishes', { tier: 'gold' });
    // The kind is followed, so that changes are recorded.
    await follower.answered(base, plugin, answer({ a: plan('a') }), false);
    const answered = follower.answered(base, plugin, answer({ gold: labelled({ tier: 'gold' }) }), false);
    await Promise.resolve();
    apply('loses', { tier: 'silver' });
    apply('gets', { tier: 'gold' });
    resources.delete(`${apiVersion}/Plan/default/vanishes`);
    await answered;
    const names = () =>
      follower
        .find(base, plugin)
        .get('gold')
        ?.map(({ metadata }) => metadata.name);
    expect(names()).toEqual(['gets', 'stays']);
    apply('late', { tier: 'gold' });
    expect(names()).toEqual(['gets', 'late', 'stays']);
  });

  it('requeues the bases that require a resource, until they are forgotten', async () => {
    const { follower, base, apply, requeued } = start();
    const other = apply('other', {}, 'Table');
    const stated = answer({ gold: labelled({ tier: 'gold', zone: 'eu' }) });
    await follower.answered(base, plugin, stated, false);
    await follower.answered(other, plugin, answer({ a: plan('a') }), false);
    apply('one', { tier: 'gold' });
    expect(requeued).toEqual([]);
    apply('one', { tier: 'gold', zone: 'eu' });
    expect(requeued).toEqual([`${apiVersion}/Table/default/base`]);
    apply('a');
    expect(requeued).toEqual([`${apiVersion}/Table/default/base`, `${apiVersion}/Table/default/other`]);
    follower.forget(`${apiVersion}/Table/default/base`);
    apply('one', {});
    expect(requeued).toHaveLength(2);
    expect(follower.requirementsOf(base)).toEqual([]);
    follower.stop();
  });
});
