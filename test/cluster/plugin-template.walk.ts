import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, vi } from 'vitest';
import { kubectl, loadImage } from './commands.ts';
import { DeployedNamespace, inRepository } from './deployed-namespace.ts';
import { walk } from './walk.ts';

const example = inRepository('examples/plugin-template');
const deployed = new DeployedNamespace();
const { namespace } = deployed;
const waitOptions = { timeout: 90_000, interval: 250 };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-template-'));
  await writeKind();
  await deployed.load('operator');
  await loadImage('kplug/first-fit:0.1.0', await makeImageFolder());
  await deployed.create();
});

const step = walk(deployed, async () => {
  await deployed.kubectl('delete', 'addressplans', '--all', '--timeout=60s');
  await kubectl('delete', '--kustomize', join(folder, 'kind'), '--timeout=60s');
  await deployed.remove();
  await rm(folder, { recursive: true });
});

/** Creates the image folder of the Dockerfile, with the SDK of this repository instead of the published one. */
async function makeImageFolder(): Promise<string> {
  const image = join(folder, 'image');
  for (const file of ['plugin.ts', 'plan.ts', 'plugin.yaml', 'package.json'])
    await cp(join(example, file), join(image, file));
  await cp(inRepository('dist/image/operator/node_modules'), join(image, 'node_modules'), { recursive: true });
  const zod = inRepository('node_modules/zod');
  await cp(zod, join(image, 'node_modules/zod'), { recursive: true, dereference: true });
  return image;
}

/** Writes a kustomization of the kind whose labels restrict it to the operator of this test. */
async function writeKind(): Promise<void> {
  const base = join(folder, 'kind');
  await cp(join(example, 'manifests/kind'), join(base, 'base'), { recursive: true });
  const label = (kind: string, name: string) => ({
    target: { kind },
    patch: JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { [name]: namespace } }]),
  });
  const patches = [label('Delegation', 'kplug.dev/operator'), label('ClusterRole', 'kplug.dev/aggregate-to-operator')];
  await writeFile(join(base, 'kustomization.yaml'), JSON.stringify({ resources: ['base'], patches }));
}

/** Installs or upgrades the operator with the plugin. */
async function install(delivery: object): Promise<void> {
  const values = {
    image: { repository: 'kplug/operator', tag: 'dev' },
    replicas: 1,
    delegationResources: { operatorName: namespace },
    plugins: [{ name: 'first-fit', image: { repository: 'kplug/first-fit', tag: '0.1.0' }, ...delivery }],
  };
  const file = join(folder, 'values.json');
  await writeFile(file, JSON.stringify(values));
  await deployed.installOperator(file);
}

interface Plan {
  metadata: { generation: number };
  status?: {
    implementation?: string;
    subnets?: { name: string; network: string }[];
    conditions?: { type: string; status: string; observedGeneration: number }[];
  };
}

/** Waits until the current generation of the plan is ready, and returns its subnets. */
function readyPlan(): Promise<string[]> {
  return vi.waitFor(async () => {
    const { metadata, status } = await deployed.get<Plan>('addressplan', 'office');
    expect(status).toMatchObject({ implementation: 'FirstFit' });
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'True', observedGeneration: metadata.generation });
    return (status?.subnets ?? []).map(({ name, network }) => `${name} ${network}`);
  }, waitOptions);
}

/** Returns the pods of the plugin's instances. */
async function podsOfPlugin(): Promise<(string | undefined)[]> {
  const instances = (await deployed.plugins())
    .filter(({ spec }) => spec.plugin === 'FirstFit')
    .flatMap(({ status }) => status?.instances ?? []);
  return instances.filter(({ state }) => state === 'live').map(({ podName }) => podName);
}

describe('a plugin image on a cluster', () => {
  step('is copied into the plugins folder and run by the operator', async () => {
    // The images of these tests have their folder at /app.
    await install({ delivery: 'initContainer', path: '/app' });
    await kubectl('apply', '--kustomize', join(folder, 'kind'));
    await kubectl('wait', '--for=condition=established', 'crd/addressplans.example.org', '--timeout=60s');
    await deployed.kubectl('apply', '--filename', join(example, 'samples'));
    expect(await readyPlan()).toEqual(['desks 10.20.0.0/24', 'phones 10.20.1.0/26', 'printers 10.20.1.64/28']);
  });

  step('reconciles changes, and keeps assigned networks', async () => {
    const subnets = [
      { name: 'cameras', hosts: 100 },
      { name: 'printers', hosts: 10 },
    ];
    const patch = `--patch=${JSON.stringify({ spec: { subnets } })}`;
    await deployed.kubectl('patch', 'addressplan', 'office', '--type=merge', patch);
    expect(await readyPlan()).toEqual(['cameras 10.20.0.0/25', 'printers 10.20.1.64/28']);
  });

  step('runs in separate pods if configured', async () => {
    await install({ delivery: 'deployment', command: ['node', '/app/plugin.ts'] });
    const [pod] = await vi.waitFor(async () => {
      const pods = await podsOfPlugin();
      expect(pods).toEqual([expect.stringMatching(/^kplug-first-fit-/)]);
      return pods;
    }, waitOptions);
    expect(await deployed.kubectl('get', 'pods', '--output=name')).toContain(`pod/${pod}`);
    await deployed.kubectl(
      'patch',
      'addressplan',
      'office',
      '--type=merge',
      '--patch={"spec":{"network":"10.30.0.0/22"}}',
    );
    expect(await readyPlan()).toEqual(['cameras 10.30.0.0/25', 'printers 10.30.0.128/28']);
  });
});
