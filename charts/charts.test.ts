import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type ClusterObject, definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartDocuments, chartsFolder } from '../tools/charts/documents.ts';
import { type DeploymentSpec, dryRun, podOf } from './dry-run.ts';
import { charts, helm, helmTimeout, render, valuesFiles } from './testing.ts';

/** Kinds of the Prometheus operator. */
const monitoringKinds = ['ServiceMonitor', 'PrometheusRule'].map((kind) =>
  definition({ group: 'monitoring.coreos.com', kind }),
);
const cases = await Promise.all(
  charts.map(async (chart) => (await valuesFiles(chart)).map((file) => ({ chart, file, values: basename(file) }))),
).then((lists) => lists.flat());

let cluster: TestCluster;
let namespace: string;
const defined: ClusterObject[] = [];

beforeAll(async () => {
  await helm('version');
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.edit({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { metadata: { labels } });
  // The cluster may already have the Prometheus operator.
  for (const kind of monitoringKinds) {
    if (await cluster.get(kind)) continue;
    defined.push(kind);
    await cluster.define(kind);
  }
}, startTimeout + helmTimeout);

afterAll(async () => {
  for (const kind of defined) await cluster.delete(kind);
  await cluster.close();
});

describe.each(cases)('$chart with $values', ({ chart, file }) => {
  it('passes lint', async () => {
    expect(await helm('lint', '--strict', '--values', file, join(chartsFolder, chart))).toContain('0 chart(s) failed');
  });

  it('is valid for the API server', async () => {
    for (const object of await render(chart, file, namespace)) await dryRun(cluster, inNamespace(object));
  });

  it('makes pods that satisfy the Pod Security Standard restricted', async () => {
    const objects = await render(chart, file, namespace);
    for (const account of ofKind(objects, 'ServiceAccount')) await cluster.apply(account);
    for (const deployment of ofKind(objects, 'Deployment')) {
      const pod = podOf(deployment, namespace);
      await dryRun(cluster, pod);
      const { securityContext: _, ...rest } = pod.spec as Record<string, unknown>;
      const without = dryRun(cluster, { ...pod, spec: rest });
      await expect(without).rejects.toThrow(/violates PodSecurity \\?"restricted/);
      expect(pod.spec).toMatchObject({
        securityContext: { runAsUser: 65532, runAsGroup: 65532 },
        containers: [{ securityContext: { readOnlyRootFilesystem: true } }],
      });
    }
  });

  it('selects its own pods, with ports that they have', async () => {
    const objects = await render(chart, file, namespace);
    const deployments = ofKind(objects, 'Deployment').map(({ spec }) => spec as unknown as DeploymentSpec);
    const matches = (selector: Record<string, string>) =>
      deployments.filter(({ template }) => {
        const { labels } = template.metadata;
        return Object.entries(selector).every(([name, value]) => labels[name] === value);
      });
    for (const deployment of deployments) expect(matches(deployment.selector.matchLabels)).toEqual([deployment]);
    for (const { spec } of ofKind(objects, 'Service')) {
      const { selector, ports: served } = spec as { selector: Record<string, string>; ports: { targetPort: string }[] };
      // The leader sets this label at run time.
      const { 'kplug.dev/role': _, ...rest } = selector;
      const [selected, ...others] = matches(rest);
      expect(others).toEqual([]);
      const ports = selected?.template.spec.containers.flatMap((container) => container.ports.map(({ name }) => name));
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

function ofKind(objects: readonly ClusterObject[], wanted: string): ClusterObject[] {
  const found = objects.filter(({ kind }) => kind === wanted);
  expect(found, wanted).not.toEqual([]);
  return found;
}

/** Moves an object to the namespace of the test, as no other one exists. */
function inNamespace(object: ClusterObject): ClusterObject {
  const { metadata } = object;
  return metadata.namespace ? { ...object, metadata: { ...metadata, namespace } } : object;
}
