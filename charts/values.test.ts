import { findDelegationFaults } from '@kplug/controller/tools';
import type { ClusterObject } from '@kplug/testing/control-plane';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ChartName, helm, helmTimeout, only, render, valuesFiles } from './testing.ts';

const delegation = { name: 'greetings', base: { apiVersion: 'example.org/v1', kind: 'Greeting' }, api: 'Greeting@^1' };
const valid: Record<ChartName, object> = {
  kplug: { delegations: [delegation] },
  'kplug-plugin': { image: { repository: 'plugin', tag: '1' }, controller: 'kplug.system.svc:50050' },
};

beforeAll(async () => void (await helm('version')), helmTimeout);

it.each<{ chart: ChartName; values: object; complaint: RegExp }>([
  {
    chart: 'kplug',
    values: { delegations: [], delegationResources: { enabled: false } },
    complaint: /delegations is empty and delegationResources\.enabled is false: add a delegation/,
  },
  { chart: 'kplug', values: { delegationResources: { operatorName: 'A b' } }, complaint: /operatorName/ },
  { chart: 'kplug', values: { replicaCount: 2 }, complaint: /'replicaCount' not allowed/ },
  { chart: 'kplug', values: { replicas: 'many' }, complaint: /'\/replicas': got string, want integer/ },
  {
    chart: 'kplug',
    values: { delegations: [{ ...delegation, name: 'No Name' }] },
    complaint: /'\/delegations\/0\/name'/,
  },
  {
    chart: 'kplug',
    values: { delegations: [{ ...delegation, fallback: 'any' }] },
    complaint: /'fallback' not allowed/,
  },
  { chart: 'kplug', values: { delegations: [{ name: 'x' }] }, complaint: /missing properties 'base', 'api'/ },
  { chart: 'kplug', values: { leaderElection: { enabled: false } }, complaint: /several operators would write/ },
  {
    chart: 'kplug',
    values: { rbac: { extraRules: [{ apiGroups: [''], resources: ['*'], verbs: ['get'] }] } },
    complaint: /'\/rbac\/extraRules\/0\/resources\/0'/,
  },
  {
    chart: 'kplug',
    values: { rbac: { extraRules: [{ apiGroups: [''], resources: ['pods'], verbs: ['impersonate'] }] } },
    complaint: /'\/rbac\/extraRules\/0\/verbs\/0'/,
  },
  {
    chart: 'kplug',
    values: { heartbeat: { interval: 5 } },
    complaint: /'\/heartbeat\/interval': got number, want string/,
  },
  {
    chart: 'kplug',
    values: { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
    complaint: /a ServiceMonitor selects a Service/,
  },
  { chart: 'kplug-plugin', values: { controller: '' }, complaint: /'\/controller'/ },
  { chart: 'kplug-plugin', values: { image: { tag: '' } }, complaint: /'\/image\/tag'/ },
  { chart: 'kplug-plugin', values: { drainTimeout: '25' }, complaint: /'\/drainTimeout'/ },
  { chart: 'kplug-plugin', values: { env: { 'NO-NAME': '1' } }, complaint: /NO-NAME/ },
])('$chart refuses $values with a reason', async ({ chart, values, complaint }) => {
  await expect(render(chart, valid[chart])).resolves.not.toHaveLength(0);
  await expect(render(chart, { ...valid[chart], ...values })).rejects.toThrow(complaint);
});

describe('the operator', () => {
  it('gets the delegations of the values, and is restarted when they change', async () => {
    for (const file of await valuesFiles('kplug')) {
      const { data } = only(
        (await render('kplug', file)).filter(({ metadata }) => !/-(ca|dashboard)$/.test(metadata.name)),
        'ConfigMap',
      ) as unknown as { data: Record<string, string> };
      const { delegations } = parse(data['kplug.yaml'] ?? '') as { delegations: unknown[] };
      expect(delegations).not.toHaveLength(0);
      expect(delegations.flatMap(findDelegationFaults)).toEqual([]);
    }
    const checksum = async (api: string) => {
      const [deployment] = [only(await render('kplug', { delegations: [{ ...delegation, api }] }), 'Deployment')];
      return templateOf(deployment).metadata.annotations['checksum/config'];
    };
    expect(await checksum('Greeting@^1')).toBe(await checksum('Greeting@^1'));
    expect(await checksum('Greeting@^1')).not.toBe(await checksum('Greeting@^2'));
  });

  it('gets flags for its namespaces and leader election', async () => {
    const args = async (values: object) => {
      const objects = await render('kplug', { ...valid.kplug, ...values });
      return templateOf(only(objects, 'Deployment')).spec.containers[0]?.args;
    };
    expect(await args({})).toEqual(
      expect.arrayContaining(['--enable-leader-election', '--leader-election-lease-name=try-kplug']),
    );
    expect(await args({ delegationResources: { enabled: false } })).toContain('--no-follow-delegations');
    expect(await args({})).not.toContain('--no-page');
    expect(await args({ admin: { page: { enabled: false } } })).toContain('--no-page');
    expect(await args({ delegationResources: { operatorName: 'blue' } })).toContain('--operator-name=blue');
    expect(await args({ pluginNamespaces: ['c', 'd'] })).toEqual(
      expect.arrayContaining(['--plugin-namespace=c', '--plugin-namespace=d']),
    );
    expect(await args({ namespaces: ['a', 'b'] })).toEqual(expect.arrayContaining(['--namespace=a', '--namespace=b']));
    expect(await args({ replicas: 1, leaderElection: { enabled: false } })).not.toContain('--enable-leader-election');
  });

  it('accepts plugins of the first Kplug only when that is enabled', async () => {
    const args = async (values: object) => {
      const template = templateOf(only(await render('kplug', { ...valid.kplug, ...values }), 'Deployment'));
      return template.spec.containers[0]?.args;
    };
    expect(await args({ heartbeat: { allowInsecurePlugins: true } })).toContain('--allow-insecure-plugins');
    expect(await args({})).not.toContain('--allow-insecure-plugins');
  });

  it('restricts plugins of the first Kplug by namespace and CIDR, and lets their heartbeats in', async () => {
    const insecurePluginsFrom = ['legacy', 'try', '10.1.0.0/16', '192.0.2.7', '2001:db8::1'];
    const heartbeat = { allowInsecurePlugins: true, insecurePluginsFrom };
    const objects = await render('kplug', { ...valid.kplug, heartbeat }, 'try');
    expect(templateOf(only(objects, 'Deployment')).spec.containers[0]?.args).toEqual(
      expect.arrayContaining(insecurePluginsFrom.map((source) => `--insecure-plugins-from=${source}`)),
    );
    const { ingress } = only(objects, 'NetworkPolicy').spec as { ingress: { from: object[] }[] };
    expect(ingress[0]?.from).toEqual([
      { podSelector: {} },
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['legacy'] }],
        },
      },
      ...['10.1.0.0/16', '192.0.2.7/32', '2001:db8::1/128'].map((cidr) => ({ ipBlock: { cidr } })),
    ]);
    const roles = objects.filter(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-first-kplug'));
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['legacy']);
    await expect(render('kplug', { ...valid.kplug, heartbeat: { insecurePluginsFrom } })).rejects.toThrow(
      'restricts heartbeat.allowInsecurePlugins, which is false',
    );
  });

  it('receives heartbeats only at the leader', async () => {
    const heartbeatSelector = async (values: object) => {
      const objects = await render('kplug', { ...valid.kplug, ...values });
      const service = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'try-kplug');
      const { selector } = (service?.spec ?? {}) as { selector?: Record<string, string> };
      expect(selector).toBeDefined();
      return selector?.['kplug.dev/role'];
    };
    expect(await heartbeatSelector({})).toBe('leader');
    expect(await heartbeatSelector({ replicas: 1, leaderElection: { enabled: false } })).toBeUndefined();
  });
});

describe('a plugin', () => {
  it('gets durations in the format of the SDK, and time to drain', async () => {
    const values = { drainTimeout: '1m30s', heartbeatInterval: '1500ms', ttl: '0.5h', labels: { zone: 'a' } };
    const template = templateOf(
      only(await render('kplug-plugin', { ...valid['kplug-plugin'], ...values }), 'Deployment'),
    );
    const env = Object.fromEntries((template.spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
    expect(env).toMatchObject({
      KPLUG_CONTROLLER: 'kplug.system.svc:50050',
      KPLUG_BIND_ADDRESS: ':50051',
      KPLUG_DRAIN_TIMEOUT: '90000',
      KPLUG_HEARTBEAT_INTERVAL: '1500',
      KPLUG_TTL: '1800000',
      KPLUG_LABELS: 'zone=a,',
    });
    expect(template.spec.terminationGracePeriodSeconds).toBe(95);
  });

  it('gets secret variables from a Secret, and is restarted when it changes', async () => {
    const objects = (password: string) =>
      render('kplug-plugin', { ...valid['kplug-plugin'], secretEnv: { PASSWORD: password }, env: { USER: 'me' } });
    const first = await objects('a"b');
    expect(only(first, 'Secret').stringData).toEqual({ PASSWORD: 'a"b' });
    const template = templateOf(only(first, 'Deployment'));
    expect(JSON.stringify(template)).not.toContain('a\\"b');
    expect(template.spec.containers[0]?.envFrom).toEqual([{ secretRef: { name: 'try' } }]);
    const other = templateOf(only(await objects('other'), 'Deployment'));
    expect(other.metadata.annotations['checksum/secret']).not.toBe(template.metadata.annotations['checksum/secret']);
  });
});

interface PodTemplate {
  metadata: { annotations: Record<string, string> };
  spec: {
    terminationGracePeriodSeconds: number;
    containers: { args: string[]; env: { name: string; value?: string }[]; envFrom: unknown }[];
  };
}

function templateOf({ spec }: ClusterObject): PodTemplate {
  return (spec as { template: PodTemplate }).template;
}
