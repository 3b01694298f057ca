import { describe, expect, it } from 'vitest';
import type { JsonObject, Resource } from '../../resources/resource.ts';
import type { DelegationDeclaration } from '../declaration.ts';
import { readDeclaration } from '../delegation-settings.ts';
import { readDesired } from './read-desired.ts';

const base = {
  apiVersion: 'myorg.org/v1',
  kind: 'Table',
  metadata: { name: 'users', namespace: 'team', uid: 'u', generation: 1, resourceVersion: '1', creationTimestamp: '' },
} satisfies Resource;

const deployments = { apiVersion: 'apps/v1', kind: 'Deployment' };
const secrets = { apiVersion: 'v1', kind: 'Secret' };

/** Reads dependents under a delegation that allows their kinds. */
function read(
  items: JsonObject[],
  dependents: Omit<DelegationDeclaration['dependents'] & {}, 'kinds'> & { privileged?: readonly string[] } = {},
  owner: Resource = base,
) {
  const { privileged = [], ...rest } = dependents;
  const kinds = items.map(({ apiVersion, kind }) => {
    return { apiVersion: String(apiVersion), kind: String(kind), allowPrivileged: privileged.includes(String(kind)) };
  });
  const { apiVersion, kind } = owner;
  const settings = readDeclaration({
    name: 'tables',
    base: { apiVersion, kind },
    api: 'T',
    dependents: { ...rest, kinds },
  });
  return readDesired({ items, rules: new Map() }, owner, settings, {});
}

const object = (apiVersion: string, kind: string, more: JsonObject = {}): JsonObject => {
  return { apiVersion, kind, metadata: { name: 'a' }, ...more };
};

const withPod = (spec: JsonObject, { apiVersion, kind } = deployments): JsonObject => {
  return object(apiVersion, kind, { spec: { template: { spec: { containers: [{ name: 'main' }], ...spec } } } });
};

describe('a kind that grants rights', () => {
  it.each([
    ['v1', 'Secret'],
    ['v1', 'ServiceAccount'],
    ['v1', 'Endpoints'],
    ['v1', 'Event'],
    ['v1', 'Node'],
    ['v1', 'Namespace'],
    ['rbac.authorization.k8s.io/v1', 'Role'],
    ['rbac.authorization.k8s.io/v1beta1', 'RoleBinding'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ['authentication.k8s.io/v1', 'TokenRequest'],
    ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
    ['admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicyBinding'],
    ['apiregistration.k8s.io/v1', 'APIService'],
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
    ['coordination.k8s.io/v1', 'Lease'],
    ['discovery.k8s.io/v1', 'EndpointSlice'],
    ['networking.k8s.io/v1', 'NetworkPolicy'],
    ['policy/v1beta1', 'PodSecurityPolicy'],
    ['extensions/v1beta1', 'Deployment'],
    ['apps/v1', 'ControllerRevision'],
    ['new.k8s.io/v1', 'Unheard'],
    ['plugins.kplug.dev/v1alpha1', 'Plugin'],
    ['delegations.kplug.dev/v1alpha1', 'Delegation'],
    ['bitnami.com/v1alpha1', 'SealedSecret'],
    ['kustomize.toolkit.fluxcd.io/v1', 'Kustomization'],
  ])('%s %s is refused unless the delegation allows it', (apiVersion, kind) => {
    const remedy = `of a kind that grants rights; set allowPrivileged: true for the kind ${kind} (${apiVersion}) in dependents.kinds`;
    const subject = `the plugin requests the dependent ${kind} team/a (${apiVersion})`;
    expect(() => read([object(apiVersion, kind)])).toThrow(
      expect.objectContaining({ code: 'DependentForbidden', message: `${subject} ${remedy}` }),
    );
    expect(read([object(apiVersion, kind)], { privileged: [kind] })).toHaveLength(1);
  });

  it.each([
    ['v1', 'ConfigMap'],
    ['v1', 'Service'],
    ['batch/v1', 'CronJob'],
    ['networking.k8s.io/v1', 'Ingress'],
    ['constructor/v1', 'Table'],
    ['myorg.org/v1', 'Secret'],
  ])('%s %s is none, or outside of Kubernetes', (apiVersion, kind) => {
    const isOwnGroup = apiVersion === 'constructor/v1';
    if (isOwnGroup) expect(() => read([object(apiVersion, kind)])).toThrow('of a kind that grants rights');
    else expect(read([object(apiVersion, kind)])).toHaveLength(1);
  });

  it('cannot be allowed by a wildcard', () => {
    for (const kind of [
      { apiVersion: '*', kind: '*' },
      { apiVersion: 'v1', kind: '*' },
    ]) {
      const dependents = { kinds: [kind] };
      expect(() => readDeclaration({ name: 't', base: deployments, api: 'T', dependents })).toThrow(/malformed/);
    }
  });
});

describe('pods', () => {
  it.each<[string, JsonObject]>([
    ['hostNetwork', { hostNetwork: true }],
    ['hostPID', { hostPID: true }],
    ['volumes[0].hostPath', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }],
    ['volumes[0].csi', { volumes: [{ name: 'v', csi: { driver: 'csi.spiffe.io' } }] }],
    ['containers[0].securityContext.privileged', { containers: [{ securityContext: { privileged: true } }] }],
    ['initContainers[0].securityContext.privileged', { initContainers: [{ securityContext: { privileged: true } }] }],
    [
      'containers[0].securityContext.capabilities.add',
      { containers: [{ securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }] },
    ],
    ['containers[0].ports[0].hostPort', { containers: [{ ports: [{ hostPort: 80 }] }] }],
    [
      'containers[0].livenessProbe.httpGet.host',
      { containers: [{ livenessProbe: { httpGet: { host: '169.254.169.254' } } }] },
    ],
    [
      'containers[0].lifecycle.preStop.httpGet.host',
      { containers: [{ lifecycle: { preStop: { httpGet: { host: 'a' } } } }] },
    ],
    ['securityContext.sysctls', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }],
    ['securityContext.seccompProfile.type', { securityContext: { seccompProfile: { type: 'Unconfined' } } }],
    ['securityContext.windowsOptions.hostProcess', { securityContext: { windowsOptions: { hostProcess: true } } }],
  ])('with %s are refused unless the delegation allows privileges', (field, spec) => {
    const message = `with spec.template.spec.${field}, which is privileged; set allowPrivileged: true for the kind Deployment (apps/v1)`;
    expect(() => read([withPod(spec)])).toThrow(message);
    expect(read([withPod(spec)], { privileged: ['Deployment'] })).toHaveLength(1);
  });

  it.each<[string, JsonObject]>([
    ['serviceAccountName', { serviceAccountName: 'admin' }],
    ['serviceAccount', { serviceAccount: 'admin' }],
    ['serviceAccountName', { serviceAccountName: 'admin', automountServiceAccountToken: false }],
  ])('with a %s are refused unless the delegation lists it', (field, spec) => {
    const remedy = 'list admin in dependents.serviceAccounts';
    const message = `with spec.template.spec.${field}, and so the rights of the ServiceAccount admin; ${remedy}`;
    expect(() => read([withPod(spec)])).toThrow(message);
    expect(() => read([withPod(spec)], { privileged: ['Deployment'], serviceAccounts: ['other'] })).toThrow(message);
    expect(read([withPod(spec)], { serviceAccounts: ['admin'] })).toHaveLength(1);
  });

  it.each<[string, JsonObject]>([
    ['automountServiceAccountToken', { automountServiceAccountToken: true }],
    [
      'volumes[0].projected.sources[0]',
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
    ],
    ['volumes[0].projected.sources[0]', { volumes: [{ name: 'v', projected: { sources: [{ podCertificate: {} }] } }] }],
  ])('with the token of the default account, by %s, are refused unless the delegation lists it', (field, spec) => {
    const message = `with spec.template.spec.${field}, and so the rights of the ServiceAccount default; list default in`;
    expect(() => read([withPod(spec)])).toThrow(message);
    expect(read([withPod(spec)], { serviceAccounts: ['default'] })).toHaveLength(1);
  });

  it.each([
    [deployments, ['spec', 'template', 'spec']],
    [{ apiVersion: 'v1', kind: 'Pod' }, ['spec']],
    [{ apiVersion: 'batch/v1', kind: 'CronJob' }, ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
  ])('get no token of the default account, without being asked: %o', ({ apiVersion, kind }, path) => {
    const pod = { containers: [{ name: 'main', image: 'a' }] };
    const wrap = (value: JsonObject) => path.toReversed().reduce((inner, field) => ({ [field]: inner }), value);
    const fieldsOf = (spec: JsonObject, serviceAccounts: string[] = []) =>
      read([object(apiVersion, kind, wrap(spec))], { serviceAccounts })[0]?.content.fields;
    expect(fieldsOf(pod)).toEqual(wrap({ ...pod, automountServiceAccountToken: false }));
    expect(fieldsOf({ ...pod, serviceAccountName: 'default' })).toMatchObject(
      wrap({ automountServiceAccountToken: false }),
    );
    expect(fieldsOf({ ...pod, serviceAccountName: 'default' }, ['default'])).not.toHaveProperty([
      ...path,
      'automountServiceAccountToken',
    ]);
    expect(fieldsOf(pod, ['default'])).toEqual(wrap(pod));
  });

  it.each<[string, JsonObject]>([
    ['imagePullSecrets[0].name', { imagePullSecrets: [{ name: 'theirs' }] }],
    ['volumes[0].secret.secretName', { volumes: [{ name: 'v', secret: { secretName: 'theirs' } }] }],
    [
      'volumes[0].projected.sources[0].secret.name',
      { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'theirs' } }] } }] },
    ],
    ['containers[0].envFrom[0].secretRef.name', { containers: [{ envFrom: [{ secretRef: { name: 'theirs' } }] }] }],
    [
      'initContainers[0].env[0].valueFrom.secretKeyRef.name',
      { initContainers: [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'theirs', key: 'a' } } }] }] },
    ],
  ])('with the Secret of another, by %s, are refused unless the delegation allows any', (field, spec) => {
    const message = `with spec.template.spec.${field}, the Secret theirs, which isn't a dependent of the resource; set dependents.podSecrets: any`;
    expect(() => read([withPod(spec)])).toThrow(message);
    expect(read([withPod(spec)], { podSecrets: 'any' })).toHaveLength(1);
  });

  it('may use a Secret and a ServiceAccount that the plugin requests before them', () => {
    const pod = withPod({ serviceAccountName: 'a', volumes: [{ name: 'v', secret: { secretName: 'a' } }] });
    const own = [object('v1', 'Secret'), object('v1', 'ServiceAccount')];
    const privileged = ['Secret', 'ServiceAccount'];
    expect(read([...own, pod], { privileged })).toHaveLength(3);
    // The Secret may belong to another client, which only its own write would show.
    expect(() => read([pod, ...own], { privileged })).toThrow(/the ServiceAccount a;|the Secret a,/);
  });

  it('of kinds outside of Kubernetes are checked wherever they are', () => {
    const rollout = (spec: JsonObject) =>
      object('myorg.org/v1', 'Rollout', { spec: { sets: [{ template: { spec } }] } });
    const containers = [{ name: 'main', image: 'a' }];
    expect(() => read([rollout({ containers })])).toThrow(
      'without spec.sets[0].template.spec.automountServiceAccountToken: false, and so with the rights of the ServiceAccount default',
    );
    expect(read([rollout({ containers, automountServiceAccountToken: false })])).toHaveLength(1);
    expect(() => read([rollout({ containers, automountServiceAccountToken: false, hostIPC: true })])).toThrow(
      'hostIPC',
    );
    expect(() => read([rollout({ serviceAccountName: 'admin' })])).toThrow('list admin in dependents.serviceAccounts');
    expect(() => read([rollout({ serviceAccountRef: { name: 'admin' } })])).toThrow('list admin in dependents.');
    expect(read([object('v1', 'ConfigMap', { data: { serviceAccountName: 'admin' } })])).toHaveLength(1);
  });
});

describe('a Secret', () => {
  const token = {
    ...object('v1', 'Secret', { type: 'kubernetes.io/service-account-token' }),
    metadata: { name: 'a', annotations: { 'kubernetes.io/service-account.name': 'admin' } },
  };

  it('with the token of a ServiceAccount needs that account in the delegation', () => {
    expect(() => read([token], { privileged: ['Secret'] })).toThrow('list admin in dependents.serviceAccounts');
    expect(read([token], { privileged: ['Secret'], serviceAccounts: ['admin'] })).toHaveLength(1);
  });

  it('with a bootstrap token is always refused', () => {
    const bootstrap = object('v1', 'Secret', { type: 'bootstrap.kubernetes.io/token' });
    expect(() => read([bootstrap], { privileged: ['Secret'] })).toThrow('no delegation can allow this');
  });
});

describe('metadata with a reserved prefix', () => {
  const marked = (metadata: JsonObject) => ({ ...object('v1', 'Service'), metadata: { name: 'a', ...metadata } });

  it.each<[string, JsonObject]>([
    ['labels.kplug.dev/role', { labels: { 'kplug.dev/role': 'leader' } }],
    ['annotations.kplug.dev/applied', { annotations: { 'kplug.dev/applied': '1' } }],
    ['annotations.status.kplug.dev/tables', { annotations: { 'status.kplug.dev/tables': '{}' } }],
    ['annotations.STATUS.Kplug.dev/tables', { annotations: { 'STATUS.Kplug.dev/tables': '{}' } }],
  ])('of Kplug is always refused: %s', (field, metadata) => {
    expect(() => read([marked(metadata)], { privileged: ['Service'] })).toThrow(
      `with metadata.${field}, which is reserved; no delegation can allow this`,
    );
  });

  it.each<[string, JsonObject]>([
    [
      'labels.rbac.authorization.k8s.io/aggregate-to-admin',
      { labels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } },
    ],
    [
      'annotations.kubectl.kubernetes.io/last-applied-configuration',
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
    ],
    [
      'annotations.nginx.ingress.kubernetes.io/server-snippet',
      { annotations: { 'nginx.ingress.kubernetes.io/server-snippet': '' } },
    ],
  ])('of Kubernetes is refused unless the delegation allows privileges: %s', (field, metadata) => {
    expect(() => read([marked(metadata)])).toThrow(`with metadata.${field}, which is reserved; set allowPrivileged`);
    expect(read([marked(metadata)], { privileged: ['Service'] })).toHaveLength(1);
  });

  it('is found in templates, with finalizers', () => {
    const inTemplate = (metadata: JsonObject) =>
      object('apps/v1', 'Deployment', { spec: { template: { metadata, spec: {} } } });
    expect(() => read([inTemplate({ labels: { 'kplug.dev/role': 'leader' } })])).toThrow(
      'with spec.template.metadata.labels.kplug.dev/role, which is reserved',
    );
    expect(() => read([inTemplate({ finalizers: ['a.org/b'] })])).toThrow('with spec.template.metadata.finalizers');
    expect(read([inTemplate({ labels: { 'app.kubernetes.io/name': 'a', app: 'b' } })])).toHaveLength(1);
  });
});

it('needs privileges in a namespace of the system, and for external addresses', () => {
  const system = { ...base, metadata: { ...base.metadata, namespace: 'kube-system' } };
  expect(() => read([object('v1', 'ConfigMap')], {}, system)).toThrow(
    'in a namespace of the system; set allowPrivileged',
  );
  expect(() => read([object('v1', 'Service', { spec: { externalIPs: ['10.0.0.1'] } })])).toThrow('spec.externalIPs');
});

it.each(['kplug-ca', 'kube-root-ca.crt'])('never is the ConfigMap %s', (name) => {
  const map = { ...object('v1', 'ConfigMap'), metadata: { name } };
  expect(() => read([map], { privileged: ['ConfigMap'] })).toThrow(
    'by whose content pods verify servers; no delegation',
  );
});

it('is not cluster-scoped, the resource itself, or an extension, in any version', () => {
  const owner = { ...base, spec: { extensions: [{ apiVersion: 'myorg.org/v1', kind: 'Option', name: 'o' }] } };
  const kinds = [
    { apiVersion: 'myorg.org/v2', kind: 'Table' },
    { apiVersion: 'myorg.org/v2', kind: 'Option' },
    { apiVersion: 'myorg.org/v1', kind: 'Zone' },
  ];
  const { apiVersion, kind } = base;
  const settings = readDeclaration({ name: 'tables', base: { apiVersion, kind }, api: 'T', dependents: { kinds } });
  const ask = (wanted: string, name: string, version = 'v2') => {
    const item = { apiVersion: `myorg.org/${version}`, kind: wanted, metadata: { name } };
    return readDesired({ items: [item], rules: new Map() }, owner, settings, {
      isNamespaced: (one) => one.kind !== 'Zone',
    });
  };
  expect(() => ask('Table', 'users')).toThrow('which is the resource itself');
  expect(() => ask('Option', 'o')).toThrow('which is an extension of the resource');
  expect(() => ask('Zone', 'z', 'v1')).toThrow('which is cluster-scoped; it must be in the namespace team');
  expect(ask('Table', 'other')).toHaveLength(1);
});

it('permits only the kinds that it may apply, so that no other rights are needed', () => {
  const kinds = [secrets, { apiVersion: 'v1', kind: 'ServiceAccount', allowPrivileged: true }, deployments];
  const { dependents } = readDeclaration({
    name: 't',
    base: { apiVersion: 'a.b/v1', kind: 'T' },
    api: 'T',
    dependents: { kinds },
  });
  expect(dependents.permittedKinds).toEqual([{ apiVersion: 'v1', kind: 'ServiceAccount' }, deployments]);
});
