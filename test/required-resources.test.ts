import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { formatKey } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import { DelegationService } from '@kplug/protocol';
import { type PluginDefinition, type Required, type Requirement, retry, terminal } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const waitOptions = { timeout: 10_000, interval: 5 };
const hour = 3_600_000;

type Delegation = NonNullable<Exclude<ConstructorParameters<typeof TestOperator>[0], false>>;
type Requires = Record<string, Requirement>;

/** Names of the resources that one call brought, by requirement. */
type Brought = Record<string, string[]>;

const plan = (name = 'gold'): Requirement => ({ apiVersion, kind: 'Plan', name });

const permitted: Delegation = {
  resync: hour,
  requirements: { kinds: [{ apiVersion, kind: 'Plan' }] },
};

/** An operator, and a plugin that requires what `requires` returns. */
async function start(
  requires: (required: Required, base: string, call: number) => Requires,
  { delegation = {}, plugin = {} }: { delegation?: Delegation; plugin?: Partial<PluginDefinition> } = {},
) {
  const operator = await TestOperator.start({ ...permitted, ...delegation }, { adminAddress: '127.0.0.1:0' });
  const calls = new Map<string, Brought[]>();
  const serve = (more: Partial<PluginDefinition> = {}) =>
    operator.plugin({
      name: 'Careful',
      reconcile: ({ base: { metadata }, required }) => {
        const earlier = calls.get(metadata.name) ?? [];
        const require = requires(required, metadata.name, earlier.length);
        calls.set(metadata.name, [...earlier, broughtBy(required)]);
        return { status: { plans: required.all('plan').map((one) => one.metadata.name) }, require };
      },
      ...plugin,
      ...more,
    });
  const running = await serve();
  const admin = createClient(
    DelegationService,
    createGrpcTransport({ baseUrl: `http://${operator.controller.adminAddress}` }),
  );
  return {
    operator,
    serve,
    running,
    /** Calls for a base so far. */
    callsOf: (name = 'users') => calls.get(name) ?? [],
    explain: (name = 'users') => admin.explainResource({ kind: 'Table', namespace: 'default', name }),
    apply: (name: string, labels: Record<string, string> = {}, more: { namespace?: string; spec?: object } = {}) => {
      const { namespace = 'default', spec = {} } = more;
      return operator.resources.apply({
        apiVersion,
        kind: 'Plan',
        metadata: { name, namespace, labels },
        spec,
      } as Manifest);
    },
    delete: (name: string) => operator.resources.delete(keyFor('Plan', name)),
    /** Waits until nothing is left to do, and expects the calls since the last time. */
    expectCalls: async (name: string, expected: Brought[]) => {
      await vi.waitFor(() => expect(calls.get(name) ?? []).toHaveLength(expected.length), waitOptions);
      await operator.controller.whenIdle();
      expect(calls.get(name) ?? []).toEqual(expected);
      calls.delete(name);
    },
    expectFailure: (name: string, reason: string, ...parts: string[]) =>
      vi.waitFor(() => {
        const ready = operator.condition(name, 'Ready');
        expect(ready).toMatchObject({ status: 'False', reason });
        for (const part of parts) expect(ready?.message).toContain(part);
      }, waitOptions),
  };
}

const names = ['plan', 'plans', 'a', 'b', 'c', 'd', 'e', 'f'];

function broughtBy(required: Required): Brought {
  const given = names.filter((name) => required.has(name));
  return Object.fromEntries(given.map((name) => [name, required.all(name).map(({ metadata }) => metadata.name)]));
}

describe('a resource that is required by its name', () => {
  it('comes with a second call in the same pass, and with the first one of later passes', async () => {
    const { operator, apply, expectCalls } = await start(() => ({ plan: plan() }));
    apply('gold');
    operator.table('users');
    await operator.expectReady('users');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
    expect(operator.get('users')?.status).toMatchObject({ plans: ['gold'] });
    operator.table('users', { rows: 1 });
    await expectCalls('users', [{ plan: ['gold'] }]);
  });

  it('is missing, not unasked, if it does not exist, and leads to one call when it appears, changes and vanishes', async () => {
    const { operator, apply, delete: remove, expectCalls } = await start(() => ({ plan: plan() }));
    operator.table('users');
    await expectCalls('users', [{}, { plan: [] }]);
    apply('silver');
    apply('gold');
    await expectCalls('users', [{ plan: ['gold'] }]);
    apply('gold', {}, { spec: { price: 1 } });
    await expectCalls('users', [{ plan: ['gold'] }]);
    const { uid = '' } = operator.get('gold', 'Plan')?.metadata ?? {};
    await operator.resources.applyStatus(keyFor('Plan', 'gold'), { stock: 1 }, { uid, fieldManager: 'someone' });
    await expectCalls('users', [{ plan: ['gold'] }]);
    remove('gold');
    await expectCalls('users', [{ plan: [] }]);
  });

  it('leads to calls for the bases that require it only', async () => {
    const { operator, apply, expectCalls } = await start((_, base) => ({ plan: plan(`for-${base}`) }));
    apply('for-users');
    apply('for-orders');
    operator.table('users');
    await expectCalls('users', [{}, { plan: ['for-users'] }]);
    operator.table('orders');
    await expectCalls('orders', [{}, { plan: ['for-orders'] }]);
    apply('for-users', {}, { spec: { price: 2 } });
    await expectCalls('users', [{ plan: ['for-users'] }]);
    await expectCalls('orders', []);
  });

  it('is no longer followed when the plugin does not require it any more', async () => {
    let isNeeded = true;
    const { operator, apply, expectCalls } = await start(() => (isNeeded ? { plan: plan() } : {}));
    apply('gold');
    operator.table('users');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
    isNeeded = false;
    apply('gold', {}, { spec: { price: 3 } });
    await expectCalls('users', [{ plan: ['gold'] }, {}]);
    apply('gold', {}, { spec: { price: 4 } });
    await operator.controller.whenIdle();
    await expectCalls('users', []);
  });
});

describe('resources that are required by their labels', () => {
  const plans: Requires = { plans: { apiVersion, kind: 'Plan', labels: { tier: 'gold', zone: 'eu' } } };

  it('come in the order of their names, and lead to a call when one begins or ceases to match', async () => {
    const { operator, apply, delete: remove, expectCalls } = await start(() => plans);
    apply('b', { tier: 'gold', zone: 'eu' });
    apply('a', { tier: 'gold', zone: 'eu', more: 'yes' });
    apply('c', { tier: 'gold' });
    operator.table('users');
    await expectCalls('users', [{}, { plans: ['a', 'b'] }]);
    apply('c', { tier: 'gold', zone: 'eu' });
    await expectCalls('users', [{ plans: ['a', 'b', 'c'] }]);
    apply('a', { tier: 'silver', zone: 'eu' });
    await expectCalls('users', [{ plans: ['b', 'c'] }]);
    remove('b');
    await expectCalls('users', [{ plans: ['c'] }]);
    // These never match.
    apply('d', { zone: 'eu' });
    apply('f', { tier: 'gold' });
    apply('a', { tier: 'silver', zone: 'us' });
    apply('e', { tier: 'gold', zone: 'eu' }, { namespace: 'elsewhere' });
    await operator.controller.whenIdle();
    await expectCalls('users', []);
  });

  it('are refused if they are more than a hundred, and none is left out', async () => {
    const { operator, apply, expectFailure, callsOf, delete: remove } = await start(() => plans);
    for (let index = 0; index <= 100; index++) apply(`p${index}`, { tier: 'gold', zone: 'eu' });
    operator.table('users');
    await expectFailure('users', 'RequirementsTooLarge', 'selects 101 resources; at most 100', 'tier=gold', 'Plan');
    expect(callsOf().every((brought) => !brought.plans)).toBe(true);
    remove('p7');
    await operator.expectReady('users');
    expect(callsOf().at(-1)?.plans).toHaveLength(100);
  });

  it('are refused if they are larger than 2 MiB together', async () => {
    const { operator, apply, expectFailure } = await start(() => plans);
    for (const name of ['a', 'b', 'c'])
      apply(name, { tier: 'gold', zone: 'eu' }, { spec: { text: 'x'.repeat(900_000) } });
    operator.table('users');
    await expectFailure('users', 'RequirementsTooLarge', 'more than 2,097,152 bytes together');
    apply('c', { tier: 'gold', zone: 'eu' });
    await operator.expectReady('users');
  });
});

describe('requirements in rounds', () => {
  const chain =
    (length: number) =>
    (required: Required): Requires => {
      const known = names.slice(2).filter((name) => required.has(name)).length;
      const wanted = names.slice(2, 2 + Math.min(known + 1, length));
      return Object.fromEntries(wanted.map((name) => [name, plan(name)]));
    };

  it('end when the answer requires what the call brought, after five calls at most', async () => {
    const { operator, apply, callsOf } = await start(chain(4));
    for (const name of ['a', 'b', 'c', 'd']) apply(name);
    operator.table('users');
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(callsOf()).toHaveLength(5);
    expect(callsOf().at(-1)).toEqual({ a: ['a'], b: ['b'], c: ['c'], d: ['d'] });
  });

  it('fail when a sixth call would be needed, and say what keeps changing', async () => {
    const { operator, callsOf, expectFailure } = await start(
      (_, __, call) => ({ a: plan('a'), plan: plan(`p${call}`) }),
      { delegation: { backOff: { initial: hour, max: hour } } },
    );
    operator.table('users');
    await expectFailure(
      'users',
      'RequirementsUnstable',
      'Careful 1.0.0 still requires other resources after 5 calls',
      '"plan" was Plan default/p3 (myorg.org/v1alpha1) and is now Plan default/p4',
      'each answer must state all requirements',
    );
    await operator.controller.whenIdle();
    expect(callsOf()).toHaveLength(5);
    expect(operator.condition('users', 'Ready')?.message).not.toContain('"a"');
  });

  it('fail if the plugin forgets what it was given', async () => {
    const { operator, expectFailure } = await start((required) => (required.has('plan') ? {} : { plan: plan() }));
    operator.table('users');
    await expectFailure('users', 'RequirementsUnstable', '"plan" was', 'and is now', 'nothing');
  });

  it('do not depend on the order in which a plugin states them', async () => {
    const { operator, expectCalls } = await start((_, __, call) =>
      call % 2 === 0 ? { a: plan('a'), b: plan('b') } : { b: plan('b'), a: plan('a') },
    );
    operator.table('users');
    await expectCalls('users', [{}, { a: [], b: [] }]);
    await operator.expectReady('users');
  });

  it('discard the answers before the last one', async () => {
    const { operator } = await start(() => ({}), {
      delegation: { dependents: { kinds: [{ apiVersion, kind: 'View' }] } },
      plugin: {
        reconcile: ({ required }) => {
          const name = required.has('plan') ? 'right' : 'wrong';
          const view = { apiVersion, kind: 'View', metadata: { name }, spec: {} };
          return {
            status: { [name]: true },
            dependents: [view],
            events: [{ reason: 'Seen', message: name }],
            require: { plan: plan() },
          };
        },
      },
    });
    operator.table('users');
    await operator.expectReady('users');
    expect(operator.get('right', 'View')).toBeDefined();
    expect(operator.get('wrong', 'View')).toBeUndefined();
    expect(operator.get('users')?.status).toMatchObject({ right: true });
    expect(operator.get('users')?.status).not.toHaveProperty('wrong');
  });
});

describe('a failed call', () => {
  it('reports its own error, and keeps what was required', async () => {
    let isBroken = true;
    const { operator, apply, expectFailure, callsOf } = await start(
      (required) => {
        if (required.has('plan') && isBroken) throw retry('the plan is empty', { reason: 'EmptyPlan' });
        return { plan: plan() };
      },
      { delegation: { backOff: { initial: hour, max: hour } } },
    );
    apply('gold');
    operator.table('users');
    await expectFailure('users', 'EmptyPlan', 'the plan is empty');
    expect(callsOf()).toHaveLength(1);
    isBroken = false;
    // The change of the required resource leads to a call, which brings it at once.
    apply('gold', {}, { spec: { price: 4 } });
    await operator.expectReady('users');
    expect(callsOf().at(-1)).toEqual({ plan: ['gold'] });
    expect(callsOf()).toHaveLength(2);
  });

  it('that waits for a missing resource is made again when that appears', async () => {
    const { operator, apply, expectFailure } = await start((required) => {
      if (required.has('plan') && !required.get('plan'))
        throw terminal('the plan gold is missing', { reason: 'NoPlan' });
      return { plan: plan() };
    });
    operator.table('users');
    await expectFailure('users', 'NoPlan');
    apply('gold');
    await operator.expectReady('users');
  });
});

describe('the delegation', () => {
  it('permits nothing by default, and the message names the kind and the field', async () => {
    const { operator, apply, callsOf, expectFailure } = await start(() => ({ plan: plan() }), {
      delegation: { requirements: {} },
    });
    apply('gold');
    operator.table('users');
    await expectFailure(
      'users',
      'RequirementForbidden',
      'Careful 1.0.0 requires Plan default/gold (myorg.org/v1alpha1)',
      'list it in requirements.kinds',
    );
    expect(callsOf().every((brought) => Object.keys(brought).length === 0)).toBe(true);
  });

  it('permits the namespace of the base only, unless it lists others', async () => {
    const elsewhere = (namespace: string): Requires => ({ plan: { ...plan(), namespace } as Requirement });
    const { operator, apply, callsOf, expectFailure } = await start((_, base) => elsewhere(base), {
      delegation: { requirements: { kinds: [{ apiVersion, kind: 'Plan', namespaces: ['shared'] }] } },
    });
    apply('gold', {}, { namespace: 'secret' });
    apply('gold', {}, { namespace: 'shared' });
    operator.table('secret');
    await expectFailure('secret', 'RequirementForbidden', 'Plan secret/gold', 'requirements.kinds');
    expect(callsOf('secret').every((brought) => Object.keys(brought).length === 0)).toBe(true);
    operator.table('shared');
    await operator.expectReady('shared');
    operator.table('default');
    await operator.expectReady('default');
    expect(callsOf('shared').at(-1)).toEqual({ plan: ['gold'] });
    expect(callsOf('default').at(-1)).toEqual({ plan: [] });
  });

  it('permits all namespaces by *', async () => {
    const { operator, apply } = await start(() => ({ plan: { ...plan(), namespace: 'anywhere' } as Requirement }), {
      delegation: { requirements: { kinds: [{ apiVersion, kind: 'Plan', namespaces: ['*'] }] } },
    });
    apply('gold', {}, { namespace: 'anywhere' });
    operator.table('users');
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ plans: ['gold'] });
  });

  it.each([
    ['neither a name nor labels', { apiVersion, kind: 'Plan' }, 'must have either a name or labels'],
    ['a name and labels', { ...plan(), labels: { a: 'b' } }, 'must have either a name or labels'],
    ['a malformed name', { ...plan('a/b') }, 'as its name'],
    ['a malformed label', { apiVersion, kind: 'Plan', labels: { 'a b': '' } }, 'is not a valid key'],
    ['the base itself', { apiVersion, kind: 'Table', name: 'users' }, 'which is the resource itself'],
  ])('refuses %s', async (_, requirement, message) => {
    const { operator, expectFailure } = await start(() => ({ plan: requirement as Requirement }), {
      delegation: {
        requirements: {
          kinds: [
            { apiVersion, kind: 'Plan' },
            { apiVersion, kind: 'Table' },
          ],
        },
      },
    });
    operator.table('users');
    await expectFailure('users', 'InvalidResponse', message);
  });

  it('refuses more than 32 requirements', async () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`p${index}`, plan(`p${index}`)]));
    const { operator, expectFailure } = await start(() => many);
    operator.table('users');
    await expectFailure('users', 'InvalidResponse', '33 requirements; at most 32');
  });
});

describe('required resources', () => {
  it('of the kind of the base never have the base itself among them, so that its status leads to no call', async () => {
    const peers: Requires = { plans: { apiVersion, kind: 'Table', labels: { group: 'one' } } };
    const { operator, callsOf } = await start(() => peers, {
      delegation: { requirements: { kinds: [{ apiVersion, kind: 'Table' }] } },
    });
    const table = (name: string) =>
      operator.resources.apply({ apiVersion, kind: 'Table', metadata: { name, labels: { group: 'one' } }, spec: {} });
    table('users');
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(callsOf()).toEqual([{}, { plans: [] }]);
    table('orders');
    await vi.waitFor(() => expect(callsOf().at(-1)).toEqual({ plans: ['orders'] }), waitOptions);
    await operator.controller.whenIdle();
    expect(callsOf().length).toBeLessThan(10);
  });

  it('of one plugin are not given to the next one', async () => {
    const { operator, apply, serve, expectCalls } = await start(() => ({ plan: plan() }));
    apply('gold');
    operator.table('users');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
    await serve({ name: 'Other' });
    operator.table('users', { preferredImplementation: 'Other' });
    await operator.expectReady('users', 'Other');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
    // Nor does it get them back.
    operator.table('users', { preferredImplementation: 'Careful' });
    await operator.expectReady('users', 'Careful');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
  });

  it('of a version of a plugin are not given to the next one', async () => {
    const { operator, apply, serve, running, expectCalls } = await start(() => ({ plan: plan() }));
    apply('gold');
    operator.table('users');
    await expectCalls('users', [{}, { plan: ['gold'] }]);
    await serve({ version: '1.1.0' });
    await running.stop();
    await expectCalls('users', [{}, { plan: ['gold'] }]);
  });

  it('are each plugin’s own when all reconcile a resource', async () => {
    const brought: Record<string, Brought[]> = {};
    const reconcileBy =
      (name: string): PluginDefinition['reconcile'] =>
      ({ required }) => {
        brought[name] = [...(brought[name] ?? []), broughtBy(required)];
        return { require: { [name]: plan(name) } };
      };
    const { operator, apply, serve } = await start(() => ({}), {
      delegation: { selection: { mode: 'all' } },
      plugin: { name: 'A', reconcile: reconcileBy('a') },
    });
    await serve({ name: 'B', reconcile: reconcileBy('b') });
    apply('a');
    operator.table('users');
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    expect(brought.a?.at(-1)).toEqual({ a: ['a'] });
    expect(brought.b?.at(-1)).toEqual({ b: [] });
    apply('b');
    await vi.waitFor(() => expect(brought.b?.at(-1)).toEqual({ b: ['b'] }), waitOptions);
  });

  it('are part of the input of an answer that holds', async () => {
    const { operator, apply, callsOf } = await start(() => ({}), {
      delegation: { resync: 20 },
      plugin: {},
    });
    await operator.controller.whenIdle();
    expect(callsOf()).toEqual([]);
    const held: Brought[] = [];
    let other = 0;
    await operator.plugin({
      name: 'Holding',
      reconcile: ({ base: { metadata }, required }) => {
        if (metadata.name === 'other') {
          other++;
          return {};
        }
        held.push(broughtBy(required));
        return { require: { plan: plan() }, validFor: hour };
      },
    });
    apply('gold');
    operator.table('other', { preferredImplementation: 'Holding' });
    operator.table('users', { preferredImplementation: 'Holding' });
    await operator.expectReady('users', 'Holding');
    const passSeveralTimes = async () => {
      const before = other;
      await vi.waitFor(() => expect(other).toBeGreaterThanOrEqual(before + 5), waitOptions);
    };
    await passSeveralTimes();
    expect(held).toEqual([{}, { plan: ['gold'] }]);
    apply('gold', {}, { spec: { price: 5 } });
    await vi.waitFor(() => expect(held).toHaveLength(3), waitOptions);
    await passSeveralTimes();
    expect(held).toHaveLength(3);
  });

  it('are shown by ExplainResource, with those that are missing', async () => {
    const { operator, apply, explain } = await start(() => ({
      plan: plan(),
      plans: { apiVersion, kind: 'Plan', labels: { tier: 'gold' } },
    }));
    apply('basic', { tier: 'gold' });
    operator.table('users');
    await operator.expectReady('users');
    const { requirements } = await explain();
    expect(requirements).toMatchObject([
      {
        plugin: 'Careful',
        pluginVersion: '1.0.0',
        name: 'plan',
        selector: 'Plan default/gold (myorg.org/v1alpha1)',
        resources: [],
      },
      {
        name: 'plans',
        selector: 'Plan (myorg.org/v1alpha1) with tier=gold in the namespace default',
        resources: [{ key: formatKey({ apiVersion, kind: 'Plan', namespace: 'default', name: 'basic' }) }],
      },
    ]);
  });

  it('lead to no call for a paused base, and to one when it continues', async () => {
    const { operator, apply, expectCalls } = await start(() => ({ plan: plan() }));
    const table = (annotations: Record<string, string>) =>
      operator.resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users', annotations }, spec: {} });
    table({});
    await expectCalls('users', [{}, { plan: [] }]);
    table({ 'kplug.dev/paused': 'true' });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    apply('gold');
    await operator.controller.whenIdle();
    await expectCalls('users', []);
    table({});
    await expectCalls('users', [{ plan: ['gold'] }]);
  });
});

describe('finalizing', () => {
  it('brings what the plugin required last, and what it requires to finalize', async () => {
    const finalizing: Brought[] = [];
    const { operator, apply } = await start(() => ({ plan: plan() }), {
      plugin: {
        finalize: ({ required }) => {
          finalizing.push(broughtBy(required));
          return { require: { plan: plan(), a: plan('a') } };
        },
      },
    });
    apply('gold');
    apply('a');
    operator.table('users');
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(finalizing).toEqual([{ plan: ['gold'] }, { plan: ['gold'], a: ['a'] }]);
  });

  it('ends with a success that requires nothing', async () => {
    const finalizing: Brought[] = [];
    const { operator } = await start(() => ({ plan: plan() }), {
      plugin: { finalize: ({ required }) => void finalizing.push(broughtBy(required)) },
    });
    operator.table('users');
    await operator.expectReady('users');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(finalizing).toEqual([{ plan: [] }]);
  });

  it('gets a forbidden kind refused', async () => {
    const { operator, expectFailure } = await start(() => ({}), {
      plugin: { finalize: () => ({ require: { secret: { apiVersion: 'v1', kind: 'Secret', name: 'admin' } } }) },
    });
    operator.table('users');
    await operator.expectReady('users');
    operator.delete('users');
    await expectFailure('users', 'RequirementForbidden', 'Secret default/admin (v1)', 'requirements.kinds');
  });
});
