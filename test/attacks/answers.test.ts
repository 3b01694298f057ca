import { ConditionStatus, EventType } from '@kplug/protocol';
import { keyFor, reference, type TestOperator } from '@kplug/testing';
import { describe, expect, it } from 'vitest';
import { json, type Lie, LiedToOperator } from './lying-plugin.fixture.ts';

const apiVersion = 'myorg.org/v1alpha1';
const taken = json({ taken: true });
const backOff = { initial: 5, max: 20 };
const view = (metadata: object, more: object = {}) => ({ apiVersion, kind: 'View', metadata, ...more });

/** Resources of others: a base, its extension, and one in another namespace. */
function prepare(operator: TestOperator) {
  operator.extension('Option', 'mine');
  operator.extension('Option', 'theirs');
  operator.resources.apply({ apiVersion, kind: 'Option', metadata: { name: 'mine', namespace: 'system' } });
  operator.table('other', { preferredImplementation: 'Honest', extensions: [reference('Option', 'theirs')] });
  operator.table('victim', { preferredImplementation: 'Raw', extensions: [reference('Option', 'mine')] });
}

/** Returns the statuses of the resources of others. */
function foreignStatuses(operator: TestOperator) {
  const keys = [keyFor('Option', 'theirs'), `${apiVersion}/Option/system/mine`];
  return [...keys, keyFor('Table', 'other')].map((key) => operator.resources.get(key)?.status);
}

describe('a plugin writes no status but those of its base and its extensions', () => {
  it.each<[string, Lie]>([
    // Without the check, a plugin would write the status of every resource whose status the operator may write.
    ['of another base', { extensionStatuses: { [keyFor('Table', 'other')]: taken } }],
    // Without it, extensions would be shared between the bases of a namespace.
    ['of an extension of another base', { extensionStatuses: { [keyFor('Option', 'theirs')]: taken } }],
    // Without it, a plugin would cross namespaces.
    ['in another namespace', { extensionStatuses: { [`${apiVersion}/Option/system/mine`]: taken } }],
    // Without it, a plugin would write kinds that the delegation doesn't name.
    ['of an unlisted kind', { extensionStatuses: { '/v1/Pod/default/mine': taken } }],
    // Without it, the base would get the status of an extension, past the fields and conditions that the operator keeps.
    ['of the base as an extension', { extensionStatuses: { [keyFor('Table', 'victim')]: taken } }],
    // Without it, the extension would be written in a version that was not read.
    ['of its extension in another version', { extensionStatuses: { 'myorg.org/v1/Option/default/mine': taken } }],
    // Without it, a key would change the prototype of the operator's objects.
    ['under a prototype key', { extensionStatuses: { constructor: taken } }],
  ])('%s', async (_, lie) => {
    const lied = await LiedToOperator.start({ baseStatus: taken, ...lie }, { backOff }, prepare);
    await lied.expectRefused(
      'InvalidResponse',
      "it returned a status for .* which isn't an extension of this resource",
    );
    expect(JSON.stringify(foreignStatuses(lied.operator))).not.toContain('taken');
    expect(({} as { taken?: unknown }).taken).toBeUndefined();
  });

  // Without the check, Events and messages about the resources of others would come from the operator's account.
  it.each<[string, Lie]>([
    [
      'an Event',
      { events: [{ type: EventType.WARNING, reason: 'Lie', message: 'a', target: keyFor('Table', 'other') }] },
    ],
    ['a message', { messages: [{ reason: 'Lie', text: 'a', target: keyFor('Table', 'other') }] }],
  ])('%s about another resource is refused', async (_, lie) => {
    const lied = await LiedToOperator.start({ baseStatus: taken, ...lie }, { backOff });
    await lied.expectRefused('InvalidResponse', "it refers to .* which isn't an extension of this resource");
  });

  // Without the check, a plugin would declare its own resource ready, or another plugin chosen.
  it.each(['Ready', 'PluginSelected', 'Finalized'])('the condition %s is refused', async (type) => {
    const condition = { type, status: ConditionStatus.TRUE, reason: 'Lie', message: '' };
    const lied = await LiedToOperator.start({ baseStatus: taken, conditions: [condition] }, { backOff });
    await lied.expectRefused('InvalidResponse', `it returned the condition ${type}, which is reserved`);
  });

  // Without the check, the list of dependents would name resources of others, which the operator would send to the plugin and delete.
  it('the list of its dependents is ignored', async () => {
    const dependents = [{ apiVersion, kind: 'View', name: 'theirs', plugin: 'Raw' }];
    const lied = await LiedToOperator.start(
      { baseStatus: json({ dependents, implementation: 'Other', ok: true }), dependents: { items: [] } },
      { backOff, dependents: { kinds: [{ apiVersion, kind: 'View' }] } },
      (operator) => operator.extension('View', 'theirs', { rows: 7 }),
    );
    const { operator } = lied;
    await operator.expectReady('victim', 'Raw');
    expect(operator.get('victim')?.status).toMatchObject({ ok: true });
    expect(operator.get('victim')?.status).not.toHaveProperty('dependents');
    expect(operator.get('theirs', 'View')).toBeDefined();
  });
});

describe('a plugin sets no metadata of its dependents but names, labels and annotations', () => {
  const delegation = { backOff, dependents: { kinds: [{ apiVersion, kind: 'View', allowPrivileged: true }] } };
  const own = { name: 'victim', uid: '0', apiVersion, kind: 'Table' };

  it.each<[string, object]>([
    // Without the check, nobody could delete the dependent.
    ['finalizers', { finalizers: ['a.org/b'] }],
    // Without it, a dependent would belong to another base, or survive its own.
    ['ownerReferences', { ownerReferences: [{ ...own, controller: true }] }],
    // Without it, the fields of others would count as the plugin's.
    ['managedFields', { managedFields: [] }],
    // Without it, each pass would make another object.
    ['generateName', { generateName: 'v-' }],
    // Without it, a plugin would choose the version that is replaced.
    ['resourceVersion', { resourceVersion: '1' }],
    // Without it, a plugin would probe the identities of others.
    ['uid', { uid: '0' }],
    ['creationTimestamp', { creationTimestamp: '2020-01-01T00:00:00Z' }],
    ['deletionTimestamp', { deletionTimestamp: '2020-01-01T00:00:00Z' }],
  ])('%s are refused', async (field, metadata) => {
    const items = [json(view({ name: 'good' })), json(view({ name: 'a', ...metadata }))];
    const lied = await LiedToOperator.start({ baseStatus: taken, dependents: { items } }, delegation);
    await lied.expectRefused('InvalidResponse', `dependents\\[1\\]\\.metadata\\.${field} must not be set by a plugin`);
    expect(lied.operator.get('good', 'View')).toBeUndefined();
  });

  it.each<[string, object]>([
    // Without the check, a plugin would forge the statuses that the operator keeps in annotations, and the digest of what it applied.
    ['annotations.status.kplug.dev/tables', { annotations: { 'status.kplug.dev/tables': '{}' } }],
    ['annotations.kplug.dev/applied', { annotations: { 'kplug.dev/applied': '0' } }],
    // Without it, the pods of a dependent would receive the heartbeats of the leader.
    ['labels.kplug.dev/role', { labels: { 'kplug.dev/role': 'leader' } }],
  ])('%s is refused', async (field, metadata) => {
    const items = [json(view({ name: 'a', ...metadata }))];
    const lied = await LiedToOperator.start({ baseStatus: taken, dependents: { items } }, delegation);
    await lied.expectRefused('DependentForbidden', `View default/a .* with metadata.${field}, which is reserved`);
    expect(lied.operator.get('a', 'View')).toBeUndefined();
  });
});

describe('a plugin has dependents only beside its base', () => {
  const kinds = ['View', 'Table', 'Option'].map((kind) => ({ apiVersion, kind }));
  const delegation = { backOff, dependents: { kinds } };

  it.each<[string, object, string]>([
    // Without the check, a plugin would write into every namespace of the operator.
    ['in another namespace', view({ name: 'a', namespace: 'system' }), "outside of the resource's namespace, default"],
    // Without it, a plugin would change the desired state that its users wrote.
    [
      'that is the base itself',
      { apiVersion, kind: 'Table', metadata: { name: 'victim' } },
      'which is the resource itself',
    ],
    [
      'that is an extension',
      { apiVersion, kind: 'Option', metadata: { name: 'mine' } },
      'which is an extension of the resource',
    ],
    // Without it, a plugin would write kinds for which the operator has rights for another reason.
    [
      'of an unlisted kind',
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'kplug' } },
      'of a kind that the delegation doesn.t allow',
    ],
  ])('%s is refused', async (_, item, message) => {
    const items = [json(view({ name: 'good' })), json(item)];
    const lied = await LiedToOperator.start({ baseStatus: taken, dependents: { items } }, delegation, prepare);
    const before = JSON.stringify([lied.operator.get('victim')?.spec, lied.operator.get('mine', 'Option')]);
    await lied.expectRefused('InvalidResponse', message);
    expect(JSON.stringify([lied.operator.get('victim')?.spec, lied.operator.get('mine', 'Option')])).toBe(before);
    expect(lied.operator.get('good', 'View')).toBeUndefined();
    expect(lied.operator.resources.get(`${apiVersion}/View/system/a`)).toBeUndefined();
  });

  // Without the check, a plugin would take over the dependents of other bases, and resources of users.
  it('that belongs to another base is left alone', async () => {
    const items = [json(view({ name: 'kept' }, { spec: { rows: 0 } }))];
    const lied = await LiedToOperator.start({ dependents: { items } }, delegation, ({ resources }) => {
      const spec = { preferredImplementation: 'None' };
      const owner = resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'other' }, spec });
      const options = { owner, fieldManager: 'kplug/tables' };
      void resources.applyOwned(keyFor('View', 'kept'), { fields: { spec: { rows: 7 } } }, options);
    });
    const message = 'View default/kept already exists and is not owned by Table default/victim';
    const failed = { status: 'False', reason: 'DependentFailed', message: expect.stringContaining(message) };
    await lied.operator.expectCondition('victim', 'Ready', failed);
    await lied.expectHonestServed(0);
    expect(lied.operator.get('kept', 'View')?.spec).toEqual({ rows: 7 });
  });
});
