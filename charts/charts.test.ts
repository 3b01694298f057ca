import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTimeout } from '../test/control-plane/connect.ts';
import { definition } from '../test/control-plane/definition.ts';
import { type ClusterObject, TestCluster } from '../test/control-plane/test-cluster.ts';
import { chartDocuments, chartsFolder } from '../tools/charts/documents.ts';
import { charts, helm, helmTimeout, only, render, valuesFiles } from './testing.ts';

const serviceMonitor = definition({ group: 'monitoring.coreos.com', kind: 'ServiceMonitor' });
const cases = await Promise.all(
  charts.map(async (chart) => (await valuesFiles(chart)).map((file) => ({ chart, file, values: basename(file) }))),
).then((lists) => lists.flat());

let cluster: TestCluster;
let namespace: string;
let definedMonitors = false;

beforeAll(async () => {
  await helm('version');
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.edit({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { metadata: { labels } });
  // A cluster of its own may have Prometheus' operator already.
  if (!(await cluster.get(serviceMonitor))) {
    definedMonitors = true;
    await cluster.define(serviceMonitor);
  }
}, startTimeout + helmTimeout);

afterAll(async () => {
  if (definedMonitors) await cluster.delete(serviceMonitor);
  await cluster.close();
});

describe.each(cases)('$chart with $values', ({ chart, file }) => {
  it('passes lint', async () => {
    expect(await helm('lint', '--strict', '--values', file, join(chartsFolder, chart))).toContain('0 chart(s) failed');
  });

  it('is what an API server takes', async () => {
    for (const object of await render(chart, file, namespace)) await dryRun(inNamespace(object));
  });

  it('makes pods that may run where the Pod Security Standard restricted is enforced', async () => {
    const objects = await render(chart, file, namespace);
    await cluster.apply(only(objects, 'ServiceAccount'));
    const pod = podOf(only(objects, 'Deployment'));
    await dryRun(pod);
    const { securityContext: _, ...rest } = pod.spec as Record<string, unknown>;
    await expect(dryRun({ ...pod, spec: rest })).rejects.toThrow(/violates PodSecurity \\?"restricted/);
    expect(pod.spec).toMatchObject({
      securityContext: { runAsUser: 65532, runAsGroup: 65532 },
      containers: [{ securityContext: { readOnlyRootFilesystem: true } }],
    });
  });

  it('selects its own pods, by ports that they have', async () => {
    const objects = await render(chart, file, namespace);
    const deployment = only(objects, 'Deployment').spec as DeploymentSpec;
    const { labels } = deployment.template.metadata;
    expect(labels).toMatchObject(deployment.selector.matchLabels);
    const ports = deployment.template.spec.containers.flatMap((container) => container.ports.map(({ name }) => name));
    for (const { spec } of objects.filter(({ kind }) => kind === 'Service')) {
      const { selector, ports: served } = spec as { selector: Record<string, string>; ports: { targetPort: string }[] };
      // The leader puts this one on by itself.
      const { 'kplug.dev/role': _, ...rest } = selector;
      expect(labels).toMatchObject(rest);
      expect(ports).toEqual(expect.arrayContaining(served.map(({ targetPort }) => targetPort)));
    }
  });
});

it.each(chartDocuments().map((document) => ({ ...document, name: relative(chartsFolder, document.file) })))(
  '$name is up to date',
  ({ file, content }) => {
    expect(readFileSync(file, 'utf8'), 'run `pnpm generate:charts`').toBe(content);
  },
);

interface DeploymentSpec {
  selector: { matchLabels: Record<string, string> };
  template: {
    metadata: { labels: Record<string, string> };
    spec: { containers: { ports: { name: string }[] }[] };
  };
}

function podOf(deployment: ClusterObject): ClusterObject {
  const { template } = deployment.spec as DeploymentSpec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'try', namespace },
    spec: template.spec,
  };
}

/** What would be applied elsewhere is tried here, as only this namespace is there. */
function inNamespace(object: ClusterObject): ClusterObject {
  const { metadata } = object;
  return metadata.namespace ? { ...object, metadata: { ...metadata, namespace } } : object;
}

/** Has the API server check an object without keeping it. A field that it doesn't know is an error. */
async function dryRun(object: ClusterObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const home = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
  const query = 'dryRun=All&fieldManager=helm&force=true&fieldValidation=Strict';
  const path = `${root}${home}/${plural}/${metadata.name}?${query}`;
  await cluster.request('PATCH', path, object, 'application/apply-patch+yaml');
}
