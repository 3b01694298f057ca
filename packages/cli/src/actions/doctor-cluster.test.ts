import { ownDefinition, startTimeout } from '@kplug/testing/control-plane';
import { home, OperatedCluster, objects, sliceOf } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runDoctor } from '../testing/run-doctor.ts';

const waitOptions = { timeout: 40_000, interval: 100 };

let operated: OperatedCluster;

const examine = async () => runDoctor(await operated.flags());

beforeAll(async () => {
  operated = await OperatedCluster.start();
}, startTimeout);

afterAll(() => operated?.[Symbol.asyncDispose]());

describe('kplug doctor on a cluster', { timeout: 120_000 }, () => {
  it('finds no problem in a working cluster', async () => {
    await vi.waitFor(async () => {
      const { code, amiss, findings } = await examine();
      expect(amiss()).toEqual([]);
      expect(code).toBe(0);
      expect(new Set(findings.map(({ check }) => check))).toEqual(
        new Set([
          ...[
            'OperatorAnswers',
            'OperatorReady',
            'VersionsAgree',
            'ResourcesRead',
            'PluginAvailable',
            'ResourcesReady',
          ],
          ...[
            'HeartbeatsSecured',
            'InstancesLive',
            'OneLeads',
            'ClusterAnswers',
            'DefinitionInstalled',
            'StatusKept',
            'RightsGiven',
          ],
          ...['HeartbeatService', 'DelegationsHold', 'ClocksAgree', 'KubernetesVersion', 'NodeVersion'],
        ]),
      );
    }, waitOptions);
  });

  it('reports each missing permission of the service account, with the rule to add', async () => {
    const { role } = objects;
    const rules = role.rules.filter(({ apiGroups }) => !['', 'doctor.example.org'].includes(apiGroups[0] ?? ''));
    await operated.changing(role, { ...role, rules }, async () => {
      await vi.waitFor(async () => {
        const { code, about } = await examine();
        expect(code).toBe(1);
        expect(about('RightsGiven')).toContainEqual({
          check: 'RightsGiven',
          about: 'rights',
          outcome: 'problem',
          message: 'the operator may not list and watch and patch greetings.doctor.example.org in all namespaces',
          advice: [
            'add to a ClusterRole of its service account the rule { apiGroups: ["doctor.example.org"], resources: ["greetings"], verbs: ["list", "watch", "patch"] }',
          ],
        });
        expect(about('RightsGiven').map(({ message }) => message)).toContain(
          `the operator may not list and watch services in the namespace ${home}`,
        );
        expect(about('RightsGiven').some(({ message }) => message.includes('leases'))).toBe(false);
      }, waitOptions);
    });
    await vi.waitFor(async () => expect((await examine()).about('RightsGiven')).toHaveLength(1), waitOptions);
  });

  it('reports that kubectl lists no capabilities, without a right of the operator or without the kind', async () => {
    const { role } = objects;
    const rules = role.rules.filter(({ apiGroups }) => apiGroups[0] !== 'catalogue.kplug.dev');
    await operated.changing(role, { ...role, rules }, async () => {
      await vi.waitFor(async () => {
        expect((await examine()).about('RightsGiven').map(({ message, advice }) => [message, ...advice])).toEqual([
          [
            'the operator may not list and watch and create and patch and delete providedcapabilities.catalogue.kplug.dev in all namespaces',
            'add to a ClusterRole of its service account the rule { apiGroups: ["catalogue.kplug.dev"], resources: ["providedcapabilities"], verbs: ["list", "watch", "create", "patch", "delete"] }',
            'until then, kubectl does not list the capabilities that can be asked for',
          ],
        ]);
      }, waitOptions);
    });
    const definition = await ownDefinition('provided-capability');
    await operated.cluster.delete(definition);
    try {
      await vi.waitFor(async () => {
        expect((await examine()).about('DefinitionInstalled')).toContainEqual({
          check: 'DefinitionInstalled',
          about: 'kinds',
          outcome: 'warning',
          message:
            'the CustomResourceDefinition providedcapabilities.catalogue.kplug.dev does not exist, so kubectl does not list the capabilities that can be asked for',
          advice: ['kubectl apply --server-side -f charts/kplug/files/provided-capability.crd.yaml'],
        });
      }, waitOptions);
    } finally {
      await operated.cluster.define(definition);
    }
  });

  it('reports that nobody can attach a plugin, without the rights of the operator or without the kind', async () => {
    const { pod } = objects;
    const [container] = pod.spec.containers;
    const following = { ...container, args: [...(container?.args ?? []), '--attachments'] };
    await operated.changing(pod, { ...pod, spec: { ...pod.spec, containers: [following] } }, async () => {
      await vi.waitFor(async () => {
        const { about } = await examine();
        expect(about('RightsGiven').map(({ message, advice }) => [message, advice.at(-1)])).toEqual([
          [
            'the operator may not list and watch and delete attachments.attachments.kplug.dev in all namespaces',
            'until then, "kplug attach" does not work',
          ],
          [
            'the operator may not patch attachments/status.attachments.kplug.dev in all namespaces',
            'until then, "kplug attach" does not work',
          ],
        ]);
        expect(about('DefinitionInstalled').filter(({ outcome }) => outcome !== 'ok')).toMatchObject([
          {
            outcome: 'warning',
            message:
              'the CustomResourceDefinition attachments.attachments.kplug.dev does not exist, so "kplug attach" does not work',
            advice: ['kubectl apply --server-side -f charts/kplug/files/attachment.crd.yaml'],
          },
        ]);
      }, waitOptions);
    });
  });

  it('reports that the operator may not review tokens and rights, or keep its certificates', async () => {
    const { role, pod } = objects;
    const security = ['authentication.k8s.io', 'authorization.k8s.io'];
    const rules = role.rules
      .filter(({ apiGroups }) => !security.includes(apiGroups[0] ?? ''))
      .map((rule) => ({ ...rule, resources: rule.resources.filter((one) => !/^(secrets|configmaps)$/.test(one)) }));
    await operated.changing(role, { ...role, rules }, async () => {
      await vi.waitFor(async () => {
        const { code, about } = await examine();
        expect(code).toBe(1);
        expect(about('RightsGiven').map(({ message, advice }) => [message, ...advice])).toEqual([
          [
            'the operator may not create tokenreviews.authentication.k8s.io in all namespaces',
            'add to a ClusterRole of its service account the rule { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] }',
            'until then, no plugin can prove its identity by the token of its ServiceAccount',
          ],
          [
            'the operator may not create subjectaccessreviews.authorization.k8s.io in all namespaces',
            'add to a ClusterRole of its service account the rule { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] }',
            'until then, the admin port refuses all readers of other pods',
          ],
          [
            `the operator may not get and update secrets in the namespace ${home}`,
            `add to a Role in ${home} of its service account the rule { apiGroups: [""], resources: ["secrets"], resourceNames: ["kplug-tls"], verbs: ["get", "update"] }`,
          ],
          ...[home, 'default'].map((where) => [
            `the operator may not get and update configmaps in the namespace ${where}`,
            `add to a Role in ${where} of its service account the rule { apiGroups: [""], resources: ["configmaps"], resourceNames: ["kplug-ca"], verbs: ["get", "update"] }`,
          ]),
        ]);
      }, waitOptions);
      // An operator for plugins of its own machine needs none of these.
      const local = { ...pod, spec: { ...pod.spec, containers: [{ name: 'operator', image: 'kplug' }] } };
      await operated.changing(pod, local, async () => {
        expect((await examine()).about('RightsGiven')).toMatchObject([{ outcome: 'ok' }]);
      });
    });
  });

  it('reports a heartbeat Service without selected pods, without ready endpoints, or with a wrong port', async () => {
    const { service, slice } = objects;
    const selecting = (selector: object) => ({ ...service, spec: { ...service.spec, selector } });
    await operated.cluster.delete(slice);
    await operated.changing(service, selecting({ 'app.kubernetes.io/name': 'kplugg' }), async () => {
      const [found] = (await examine()).about('HeartbeatService');
      expect(found).toMatchObject({
        outcome: 'problem',
        message: expect.stringContaining('its selector app.kubernetes.io/name=kplugg matches no pod'),
        advice: [
          'its pods have app.kubernetes.io/name: kplug; correct the selector or the labels',
          expect.stringMatching(/^kubectl --kubeconfig \S+ get pods -n kplug-system --show-labels$/),
        ],
      });
    });
    await operated.changing(
      service,
      selecting({ ...service.spec.selector, 'kplug.dev/role': 'follower' }),
      async () => {
        const [found] = (await examine()).about('HeartbeatService');
        expect(found?.advice[0]).toMatch(/^no pod has the label kplug\.dev\/role=follower: no operator leads/);
      },
    );
    await operated.changing(slice, sliceOf('kplug', false), async () => {
      const [found] = (await examine()).about('HeartbeatService');
      expect(found).toMatchObject({ outcome: 'problem', message: expect.stringContaining('none is ready') });
      expect(found?.advice.at(-1)).toMatch(/ describe pods -n kplug-system -l \S*app\.kubernetes\.io\/name=kplug/);
    });
    const ports = [{ name: 'grpc', port: 50051 }];
    await operated.changing(service, { ...service, spec: { ...service.spec, ports } }, async () => {
      const [found] = (await examine()).about('HeartbeatService');
      expect(found).toMatchObject({ outcome: 'problem', message: expect.stringContaining('has no port heartbeat') });
    });
    await operated.cluster.delete(service);
    const [none] = (await examine()).about('HeartbeatService');
    await operated.cluster.apply(service);
    expect(none).toMatchObject({ outcome: 'warning', message: expect.stringContaining('no Service in kplug-system') });
    expect((await examine()).about('HeartbeatService')[0]?.outcome).toBe('ok');
  });

  it('reports missing and broken Services of plugins, and plugins that the operator does not follow', async () => {
    const plugin = (name: string, namespace: string, service: object) => ({
      apiVersion: 'plugins.kplug.dev/v1alpha1',
      kind: 'Plugin',
      metadata: { name, namespace },
      spec: { service },
    });
    const labelled = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'labelled', namespace: home, labels: { 'kplug.dev/plugin': 'true' } },
      spec: { selector: { app: 'labelled' }, ports: [{ port: 7000 }] },
    };
    const given = [
      labelled,
      plugin('lost', home, { name: 'nowhere' }),
      plugin('wrong-port', home, { name: 'kplug', port: 1 }),
      plugin('unanswering', home, { name: 'kplug' }),
      plugin('elsewhere', 'default', { name: 'nowhere' }),
    ];
    await operated.having(given, async () => {
      await vi.waitFor(async () => {
        const { code, about } = await examine();
        expect(code).toBe(1);
        const services = about('PluginService').map(({ outcome, message }) => `${outcome}: ${message}`);
        expect(services).toEqual(
          expect.arrayContaining([
            'problem: kplug-system/nowhere (of the Plugin lost): there is no Service nowhere in this namespace',
            expect.stringMatching(/^problem: kplug-system\/kplug \(of the Plugin wrong-port\): .* has no port 1$/),
            expect.stringMatching(
              /^problem: .*\(labelled kplug\.dev\/plugin\): .* its selector app=labelled matches no/,
            ),
            'ok: kplug-system/kplug (of the Plugin unanswering) has 1 ready endpoint',
          ]),
        );
        const declared = about('DeclaredPlugin');
        expect(declared).toContainEqual(
          expect.objectContaining({
            outcome: 'warning',
            message:
              'the Plugin default/elsewhere declares a plugin, but the operator in kplug-system does not follow that namespace',
            advice: ['run it with --plugin-namespace default (pluginNamespaces in the chart)'],
          }),
        );
        expect(declared).toContainEqual(
          expect.objectContaining({
            outcome: 'problem',
            message: expect.stringMatching(/^the Plugin kplug-system\/unanswering is not accessible \(\w+\): \S/),
          }),
        );
        expect(declared).toHaveLength(2);
      }, waitOptions);
    });
  });
});
