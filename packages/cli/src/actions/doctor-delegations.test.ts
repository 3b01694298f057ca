import { ownDefinition, startTimeout } from '@kplug/testing/control-plane';
import { delegationOf, greetingKind, home, kplug, OperatedCluster, objects, operatorPod } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runDoctor } from '../testing/run-doctor.ts';

const waitOptions = { timeout: 40_000, interval: 100 };
const version = 'doctor.example.org/v1';

let operated: OperatedCluster;

const examine = async () => runDoctor(await operated.flags());

beforeAll(async () => {
  operated = await OperatedCluster.start();
}, startTimeout);

afterAll(() => operated?.[Symbol.asyncDispose]());

describe('on a cluster, kplug doctor', { timeout: 120_000 }, () => {
  it('reports missing kinds, and schemas that reject statuses', async () => {
    const bare = greetingKind('Bare');
    const [only] = (bare.spec as { versions: object[] }).versions;
    Object.assign(bare.spec as object, { versions: [{ ...only, subresources: {} }] });
    const strict = greetingKind('Strict', {
      type: 'object',
      properties: {
        conditions: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    });
    const resource = { apiVersion: version, kind: 'Strict', metadata: { name: 'one', namespace: home }, spec: {} };
    for (const kind of [bare, strict]) await operated.cluster.define(kind);
    const extensions = {
      kinds: [
        { apiVersion: version, kind: 'Style' },
        { apiVersion: version, kind: 'Styl' },
      ],
    };
    const given = [delegationOf('Bare'), delegationOf('Strict'), resource, delegationOf('Greetin', { extensions })];
    await operated.having(given, async () => {
      await vi.waitFor(async () => {
        const { about } = await examine();
        expect(about('StatusKept', 'delegation bare')).toEqual([
          expect.objectContaining({
            outcome: 'warning',
            message: 'Bare has no status subresource, so its status is stored in annotations',
            advice: [
              'add under "versions" of the CustomResourceDefinition bares.doctor.example.org:\nsubresources: { status: {} }',
            ],
          }),
        ]);
        expect(about('StatusKept', 'delegation strict')).toEqual([
          expect.objectContaining({
            outcome: 'problem',
            message:
              'the status of Strict has no implementation, observedGeneration, plugin and allows no other fields, so the API server rejects statuses',
            advice: [expect.stringContaining('\nstatus: { type: object, x-kubernetes-preserve-unknown-fields: true }')],
          }),
        ]);
        // The API server does reject such a status.
        expect(about('ResourcesReady', 'delegation strict')).toEqual([
          expect.objectContaining({
            outcome: 'problem',
            message: expect.stringMatching(
              /^1 resource is not ready: InvalidResponse, such as .*: \.status\.implementation: field not declared in schema$/,
            ),
          }),
        ]);
        expect(about('KindExists', 'delegation greetin').map(({ message }) => message)).toEqual(
          expect.arrayContaining([
            `the cluster has no kind Greetin (${version}), but it has Greeting (${version})`,
            `the cluster has no kind Styl (${version}), but it has Style (${version})`,
          ]),
        );
        expect(about('KindExists', 'delegation greeting')).toEqual([]);
        expect(about('DelegationsHold').map(({ message }) => message)).toEqual([
          expect.stringMatching(/^greetin is not KindFound \(KindNotFound\): \S/),
        ]);
      }, waitOptions);
    });
    await vi.waitFor(async () => expect((await examine()).amiss()).toEqual([]), waitOptions);
    for (const kind of [bare, strict]) await operated.cluster.delete(kind);
  });

  it('reports schemas without the fields of dependents and capabilities, and rights on dependents that are missing', async () => {
    const text = { type: 'string' };
    const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const conditions = { type: 'array', items: any };
    const usual = { conditions, implementation: text, observedGeneration: { type: 'integer' }, plugin: any };
    const listed = { type: 'array', items: { type: 'object', properties: { name: text, kind: text } } };
    const kinds = [
      greetingKind('Plain', { type: 'object', properties: usual }),
      greetingKind('Keeping', { type: 'object', properties: { ...usual, dependents: listed } }),
      greetingKind('Owner'),
    ];
    for (const kind of kinds) await operated.cluster.define(kind);
    const dependents = {
      kinds: [
        { apiVersion: 'v1', kind: 'ConfigMap' },
        { apiVersion: 'apps/v1', kind: 'StatefulSet' },
        { apiVersion: version, kind: 'Later' },
      ],
    };
    const capability = {};
    const given = [
      delegationOf('Plain'),
      delegationOf('Keeping', { dependents, capability }),
      delegationOf('Owner', { dependents, capability }),
    ];
    const { role } = objects;
    const rules = role.rules.map((rule) =>
      rule.apiGroups[0] === 'events.k8s.io' ? { ...rule, verbs: ['create', 'patch'] } : rule,
    );
    await operated.changing(role, { ...role, rules }, () =>
      operated.having(given, async () => {
        await vi.waitFor(async () => {
          const { about } = await examine();
          expect(about('StatusKept', 'delegation plain')).toMatchObject([
            {
              outcome: 'warning',
              message:
                'the status of Plain has no lastHandledReconcileAt, operationsInProgress: without lastHandledReconcileAt, kplug reconcile --wait does not see the end of a pass; without operationsInProgress, the token of an operation in progress is lost when the operator stops',
            },
          ]);
          const lacking = ['dependentsReady', 'capability', 'dependents[].apiVersion', 'dependents[].message'];
          const more = ['plugin', 'ready', 'reason', 'retain', 'since'].map((field) => `dependents[].${field}`);
          expect(about('StatusKept', 'delegation keeping')).toMatchObject([
            {
              outcome: 'problem',
              message: `the status of Keeping has no ${[...lacking, ...more].join(', ')} and allows no other fields, so the API server rejects statuses`,
            },
          ]);
          expect(about('StatusKept', 'delegation owner')).toMatchObject([{ outcome: 'ok' }]);
          expect(about('KindExists', 'delegation owner')).toMatchObject([
            { outcome: 'warning', message: `the cluster has no kind Later (${version})` },
          ]);
          const missing = about('RightsGiven').map(({ message, advice }) => [message, advice.slice(1)]);
          const verbs = (resource: string) =>
            `the operator may not get and list and watch and create and patch and delete ${resource} in all namespaces`;
          expect(missing).toEqual(
            expect.arrayContaining([
              [
                'the operator may not list events.events.k8s.io in all namespaces',
                ['until then, the last Event about a dependent that does not become ready is not reported'],
              ],
              [verbs('statefulsets.apps'), []],
            ]),
          );
          expect(missing.filter(([message]) => String(message).includes('configmaps'))).toEqual([]);
        }, waitOptions);
      }),
    );
    await vi.waitFor(async () => expect((await examine()).amiss()).toEqual([]), waitOptions);
    for (const kind of kinds) await operated.cluster.delete(kind);
  });

  it('reports Delegations that are not accepted, and operators that follow the same ones', async () => {
    const twice = { ...delegationOf('Greeting'), metadata: { name: 'twice' } };
    const strayed = {
      ...delegationOf('Style'),
      metadata: { name: 'strayed', labels: { 'kplug.dev/operator': 'blue' } },
    };
    const rival = operatorPod('default', []);
    await operated.having([twice, strayed, rival], async () => {
      await vi.waitFor(async () => {
        const { about } = await examine();
        expect(about('DelegationsHold')).toEqual([
          expect.objectContaining({
            outcome: 'warning',
            message: 'no operator has observed the current generation of strayed',
            advice: ['correct its label kplug.dev/operator: blue; the operators are named (none)'],
          }),
          expect.objectContaining({
            outcome: 'problem',
            message: expect.stringContaining(
              `twice is not Accepted (KindTaken): the delegation "greeting" already reconciles Greeting (${version})`,
            ),
            advice: [expect.stringContaining('change or delete one')],
          }),
        ]);
        expect(about('OneOperatorEach')).toEqual([
          expect.objectContaining({
            outcome: 'problem',
            message:
              'the operators default/kplug and kplug-system/kplug follow the same Delegations, those without the label kplug.dev/operator',
          }),
        ]);
      }, waitOptions);
    });
    await operated.having([operatorPod('default', ['--operator-name=blue'])], async () => {
      expect((await examine()).about('OneOperatorEach')).toEqual([]);
      // An operator must be selected if no admin address is given. The leader is the one with the label.
      await operated.cluster.edit(rival, { metadata: { labels: { 'kplug.dev/role': 'leader' } } });
      const [, , ...cluster] = await operated.flags();
      const { code, stderr } = await kplug(['doctor', ...cluster.slice(0, 2)]);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'kplug: there are operators in default, kplug-system; select one with --operator-namespace\n',
      });
    });
  });

  it('reports a Lease that is not renewed, and missing definitions', async () => {
    // Without an operator, its finalizer would never be removed.
    await operated.cluster.delete(delegationOf('Greeting'));
    await vi.waitFor(
      async () => expect(await operated.cluster.get(delegationOf('Greeting'))).toBeUndefined(),
      waitOptions,
    );
    operated.operator.kill('SIGKILL');
    await operated.operator.ended();
    const pluginDefinition = await ownDefinition('plugin');
    const [only] = (pluginDefinition.spec as { versions: object[] }).versions;
    await operated.cluster.delete(await ownDefinition('delegation'));
    await operated.cluster.delete(pluginDefinition);
    const versions = [{ ...only, name: 'v1' }];
    await vi.waitFor(async () => {
      await operated.cluster.apply({ ...pluginDefinition, spec: { ...(pluginDefinition.spec as object), versions } });
      const { code, about } = await examine();
      expect(code).toBe(1);
      expect(about('OperatorAnswers')[0]?.outcome).toBe('problem');
      expect(about('OneLeads')).toEqual([
        expect.objectContaining({
          outcome: 'problem',
          message: expect.stringMatching(/^kplug-0 holds the Lease kplug-system\/kplug but last renewed it \d+ s ago/),
          advice: [expect.stringMatching(/^kubectl --kubeconfig \S+ logs -n kplug-system -l /)],
        }),
      ]);
      expect(about('DefinitionInstalled').map(({ message }) => message)).toEqual([
        'plugins.plugins.kplug.dev is served in v1, but the operator uses v1alpha1',
        'the CustomResourceDefinition delegations.delegations.kplug.dev does not exist',
        'providedcapabilities.catalogue.kplug.dev is served in v1alpha1',
      ]);
    }, waitOptions);
    const unled = { ...operatorPod(home, []), metadata: { ...operatorPod(home, []).metadata, name: 'kplug-1' } };
    await operated.changing(objects.pod, operatorPod(home, []), async () => {
      await operated.having([unled], async () => {
        expect((await examine()).about('OneLeads')).toEqual([
          expect.objectContaining({
            outcome: 'problem',
            message: '2 pods of the operator run without leader election and write the same resources',
          }),
        ]);
      });
    });
  });
});
