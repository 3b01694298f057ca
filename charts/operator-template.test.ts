import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ClusterObject, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { projectTexts } from '../packages/cli/src/init/template.ts';
import { kustomizeFor } from '../tools/charts/kustomize.ts';
import { dryRun, podOf } from './dry-run.ts';
import { helm, helmTimeout, only, render } from './testing.ts';

// Required in CI.
const kustomize = await kustomizeFor("the tests of an operator's manifests");

const names = { name: 'AddressOperator', kind: 'AddressPlan', group: 'example.org', api: 'AddressPlan', image: 'a/b' };

let cluster: TestCluster;
let namespace: string;
let folder: string;
let objects: ClusterObject[];

beforeAll(async () => {
  await helm('version');
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.edit({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { metadata: { labels } });
  folder = await mkdtemp(join(tmpdir(), 'kplug-operator-'));
  const { files } = await projectTexts({ project: 'operator', language: 'typescript', packageManager: 'npm' }, names);
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const built = (await kustomize?.(join(folder, 'manifests/operator'))) ?? '';
  objects = parseAllDocuments(built).map((document) => document.toJS() as ClusterObject);
}, startTimeout + helmTimeout);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await cluster.close();
});

describe.runIf(kustomize)("an operator's manifests", () => {
  it('are valid, in a namespace that allows only restricted pods', async () => {
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(
      new Set(['address-operator', undefined]),
    );
    const placed = objects.map((object) => ({
      ...object,
      metadata: { ...object.metadata, ...(object.metadata.namespace && { namespace }) },
    }));
    for (const object of placed) await dryRun(cluster, object);
    await dryRun(cluster, podOf(only(placed, 'Deployment'), namespace));
  });

  it('grant the rights that the chart grants for the same delegation', async () => {
    const delegations = [
      { name: 'plans', base: { apiVersion: 'example.org/v1alpha1', kind: 'AddressPlan' }, api: 'AddressPlan' },
    ];
    const chart = await render('kplug', { fullnameOverride: 'address-operator', delegations }, 'address-operator');
    const rulesOf = (all: ClusterObject[], kind: string, name: string) => {
      const role = all.find((object) => object.kind === kind && object.metadata.name === name);
      return (role as { rules?: object[] } | undefined)?.rules;
    };
    const pairs = [
      ['Role', 'address-operator', 'address-operator'],
      ['ClusterRole', 'address-operator-addressplans', 'address-operator-address-operator-delegations'],
      ['ClusterRole', 'address-operator-tokens', 'address-operator-address-operator-tokens'],
      ['ClusterRole', 'address-operator-catalogue', 'address-operator-address-operator-catalogue'],
    ] as const;
    for (const [kind, own, ofChart] of pairs) {
      expect(rulesOf(objects, kind, own), own).toBeDefined();
      expect(rulesOf(objects, kind, own), own).toEqual(rulesOf(chart, kind, ofChart));
    }
  });
});
