import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDelegationFaults } from '@kplug/controller/tools';
import { type ClusterObject, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { kustomizeFor } from '../tools/charts/kustomize.ts';
import { exampleFolder } from '../tools/template/documents.ts';
import { dryRun, podOf } from './dry-run.ts';
import { helm, helmTimeout, only, render } from './testing.ts';

// Required in CI.
const kustomize = await kustomizeFor("the tests of a plugin's manifests");

let cluster: TestCluster;
let namespace: string;
let folder: string;

beforeAll(async () => {
  await helm('version');
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.edit({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { metadata: { labels } });
  folder = await mkdtemp(join(tmpdir(), 'kplug-kustomize-'));
  await cp(join(exampleFolder, 'manifests'), join(folder, 'manifests'), { recursive: true });
  await cp(join(exampleFolder, 'manifests'), join(folder, 'other'), { recursive: true });
}, startTimeout + helmTimeout);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await cluster.close();
});

async function build(where: string): Promise<ClusterObject[]> {
  const documents = parseAllDocuments((await kustomize?.(join(folder, where))) ?? '');
  return documents.map((document) => document.toJS() as ClusterObject);
}

/** Builds the operator's Deployment from the chart, with components of kustomize. */
async function buildOperator(...components: string[]): Promise<ClusterObject> {
  const operator = await render('kplug', {}, namespace);
  await cluster.apply(only(operator, 'ServiceAccount'));
  await writeFile(join(folder, 'operator.yaml'), operator.map((object) => stringify(object)).join('---\n'));
  await writeFile(join(folder, 'kustomization.yaml'), stringify({ resources: ['operator.yaml'], components }));
  return only(await build('.'), 'Deployment');
}

/** Patches the operator's Deployment as `kubectl patch --patch-file` does. */
async function patchOperator(file: string): Promise<unknown> {
  const operator = only(await render('kplug', {}, namespace), 'Deployment');
  await cluster.apply(operator);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${operator.metadata.name}?dryRun=All&fieldValidation=Strict`;
  const { metadata: _, ...patch } = parse(await readFile(join(exampleFolder, file), 'utf8')) as ClusterObject;
  const type = 'application/strategic-merge-patch+json';
  return (await cluster.request<ClusterObject>('PATCH', path, patch, type)).spec;
}

const folderOf = { name: 'plugins', mountPath: '/plugins' };

describe.runIf(kustomize)("a plugin's manifests", () => {
  it('copy the plugin into the plugins folder by an init container', async () => {
    const pod = podOf(await buildOperator('manifests/init-container'), namespace);
    await dryRun(cluster, pod);
    expect(pod.spec).toMatchObject({
      initContainers: [{ name: 'plugin-first-fit', volumeMounts: [folderOf] }],
      containers: [{ name: 'operator', args: expect.arrayContaining(['--config=/etc/kplug/kplug.yaml']) }],
      volumes: expect.arrayContaining([{ name: 'plugins', emptyDir: {} }]),
    });
    expect(JSON.stringify(pod.spec)).toContain('"name":"KPLUG_PLUGINS_DIR","value":"/plugins"');
  });

  it('mount the image into the plugins folder, besides another plugin that is copied', async () => {
    const pod = podOf(await buildOperator('other/init-container', 'manifests/image-volume'), namespace);
    await dryRun(cluster, pod);
    const mount = { name: 'plugin-first-fit', mountPath: '/plugins/first-fit', subPath: 'plugin', readOnly: true };
    expect(pod.spec).toMatchObject({
      initContainers: [{ name: 'plugin-first-fit' }],
      containers: [{ volumeMounts: expect.arrayContaining([folderOf, mount]) }],
      volumes: expect.arrayContaining([
        { name: 'plugins', emptyDir: {} },
        {
          name: 'plugin-first-fit',
          image: { reference: 'ghcr.io/example/first-fit:0.1.0', pullPolicy: 'IfNotPresent' },
        },
      ]),
    });
  });

  it.each(['init-container', 'image-volume'])('work as patches for kubectl, too: %s', async (way) => {
    const { spec } = podOf(await buildOperator(`manifests/${way}`), namespace);
    const { initContainers = [], volumes } = spec as { initContainers?: object[]; volumes: object[] };
    expect(await patchOperator(`manifests/${way}/operator.yaml`)).toMatchObject({
      template: {
        spec: {
          ...(initContainers.length > 0 && { initContainers }),
          volumes: expect.arrayContaining(volumes.map((volume) => expect.objectContaining(withoutDefaults(volume)))),
        },
      },
    });
  });

  it('run the plugin in separate pods', async () => {
    const objects = await build('manifests/deployment');
    const [deployment, account] = [only(objects, 'Deployment'), only(objects, 'ServiceAccount')];
    expect(objects).toHaveLength(2);
    const { spec } = (deployment.spec as { template: { spec: object } }).template;
    expect(account).toMatchObject({ automountServiceAccountToken: false });
    expect(spec).toMatchObject({
      serviceAccountName: account.metadata.name,
      automountServiceAccountToken: false,
      containers: [{ volumeMounts: [{ name: 'kplug', mountPath: '/var/run/secrets/kplug', readOnly: true }] }],
      volumes: [
        {
          name: 'kplug',
          projected: {
            sources: [
              { serviceAccountToken: { audience: 'kplug', path: 'token', expirationSeconds: 3600 } },
              { configMap: { name: 'kplug-ca', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
          },
        },
      ],
    });
    expect(deployment.metadata.namespace).toBe('kplug-system');
    await dryRun(cluster, { ...deployment, metadata: { ...deployment.metadata, namespace } });
    await dryRun(cluster, podOf(deployment, namespace));
  });

  it('define a kind that accepts the sample, delegate it, and grant the rights for it', async () => {
    const objects = await build('manifests/kind');
    const crd = only(objects, 'CustomResourceDefinition');
    await cluster.define(crd);
    try {
      const [sample] = parseAllDocuments(await readFile(join(exampleFolder, 'samples/office.yaml'), 'utf8')).map(
        (document) => document.toJS() as ClusterObject,
      );
      if (!sample) throw new Error('there is no sample');
      await cluster.apply({ ...sample, metadata: { ...sample.metadata, namespace } });
      const wrong = { ...sample, spec: { network: 'all of it', subnets: [{ name: 'desks', hosts: 200 }] } };
      await expect(cluster.apply({ ...wrong, metadata: { ...sample.metadata, namespace } })).rejects.toThrow(/network/);
    } finally {
      await cluster.delete(crd);
    }
    const { metadata, spec } = only(objects, 'Delegation');
    expect(findDelegationFaults({ name: metadata.name, ...(spec as object) })).toEqual([]);
    expect(spec).toMatchObject({ base: { apiVersion: 'example.org/v1alpha1', kind: 'AddressPlan' } });
    await dryRun(cluster, only(objects, 'ClusterRole'));
  });
});

/** Returns a volume without the fields that the API server defaults. */
function withoutDefaults(volume: object): object {
  return 'configMap' in volume ? { name: 'config' } : volume;
}
