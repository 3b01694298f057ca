import type { ClusterObject } from '@kplug/testing/control-plane';
import { beforeAll, describe, expect, it } from 'vitest';
import { helm, helmTimeout, only, render } from './testing.ts';

const image = { repository: 'ghcr.io/example/first-fit', tag: '0.1.0' };
const firstFit = { name: 'first-fit', image };

beforeAll(async () => void (await helm('version')), helmTimeout);

interface Container {
  name: string;
  image: string;
  command?: string[];
  args: string[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
  env?: { name: string; value?: string }[];
  resources: object;
}

interface PodSpec {
  initContainers?: Container[];
  containers: [Container];
  volumes: { name: string }[];
  imagePullSecrets?: object[];
}

/** Returns the pod of the operator. */
function podOf(objects: readonly ClusterObject[]): PodSpec {
  const operator = objects.filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'try-kplug');
  return (only(operator, 'Deployment').spec as { template: { spec: PodSpec } }).template.spec;
}

describe('a plugin of an image', () => {
  it('is copied into the plugins folder by an init container', async () => {
    const pod = podOf(await render('kplug', { plugins: [firstFit, { ...firstFit, name: 'other', path: '/bin/x' }] }));
    const folder = { name: 'plugins', mountPath: '/plugins' };
    expect(pod.initContainers).toMatchObject([
      {
        name: 'plugin-first-fit',
        image: 'ghcr.io/example/first-fit:0.1.0',
        command: ['cp', '-RfT', '/plugin', '/plugins/first-fit'],
        volumeMounts: [folder],
      },
      { name: 'plugin-other', command: ['cp', '-RfT', '/bin/x', '/plugins/other'] },
    ]);
    expect(pod.containers[0].args).toContain('--plugins-dir=/plugins');
    expect(pod.containers[0].volumeMounts).toContainEqual(folder);
    expect(pod.volumes).toContainEqual({ name: 'plugins', emptyDir: {} });
    expect(pod.containers[0].args).toContain('--allow-writable-plugins-dir');
  });

  it('is mounted into the plugins folder as an image volume', async () => {
    const pod = podOf(await render('kplug', { plugins: [{ ...firstFit, delivery: 'imageVolume' }] }));
    expect(pod.initContainers).toBeUndefined();
    expect(pod.volumes).toContainEqual({
      name: 'plugin-first-fit',
      image: { reference: 'ghcr.io/example/first-fit:0.1.0', pullPolicy: 'IfNotPresent' },
    });
    const mount = { name: 'plugin-first-fit', mountPath: '/plugins/first-fit', subPath: 'plugin', readOnly: true };
    expect(pod.containers[0].volumeMounts).toContainEqual(mount);
    expect(pod.containers[0].args).toContain('--plugins-dir=/plugins');
  });

  it('is refused as an image volume on versions of Kubernetes without them', async () => {
    const values = ['--set', 'plugins[0].name=a,plugins[0].image.repository=b,plugins[0].image.tag=c'];
    const template = (delivery: string) =>
      helm(
        ...['template', 'try', 'charts/kplug', '--kube-version', '1.34.2', ...values],
        ...['--set', `plugins[0].delivery=${delivery}`],
      );
    await expect(template('imageVolume')).rejects.toThrow(/the plugin a .*needs Kubernetes 1\.35; this is v1\.34\.2/);
    await expect(template('initContainer')).resolves.toContain('plugin-a');
  });

  it('gets the same Deployment as from the chart of one plugin', async () => {
    const values = {
      replicas: 0,
      env: { HOST: 'a' },
      secretEnv: { KEY: 'b' },
      service: { enabled: false },
      drainTimeout: '1m',
    };
    const inList = await render('kplug', {
      plugins: [{ ...firstFit, ...values, delivery: 'deployment' }],
      imagePullSecrets: [{ name: 'registry' }],
    });
    const controller = 'try-kplug.default.svc:50050';
    const names = { nameOverride: 'first-fit', fullnameOverride: 'try-kplug-first-fit' };
    const given = { image, ...values, ...names, controller, imagePullSecrets: [{ name: 'registry' }] };
    const alone = await render('kplug-plugin', given);
    const byKind = (objects: readonly ClusterObject[]) =>
      Object.fromEntries(
        objects
          .filter(({ metadata }) => metadata.name === 'try-kplug-first-fit')
          .map((object) => [object.kind, JSON.stringify(object).replaceAll(/"helm\.sh\/chart":"[^"]+"/g, '')]),
      );
    expect(byKind(inList)).toEqual(byKind(alone));
    expect(Object.keys(byKind(inList)).sort()).toEqual(['Deployment', 'NetworkPolicy', 'Secret', 'ServiceAccount']);
    const operator = podOf(inList);
    expect(operator.volumes.map(({ name }) => name)).toEqual(['config']);
    expect(operator.containers[0].args).not.toContain('--plugins-dir=/plugins');
  });

  it.each([
    [{ plugins: [firstFit, { ...firstFit, delivery: 'deployment' }] }, /two plugins have the name first-fit/],
    [{ plugins: [{ ...firstFit, name: 'First Fit' }] }, /'\/plugins\/0\/name'/],
    [{ plugins: [{ name: 'a', image: { repository: 'b' } }] }, /missing property 'tag'/],
    [{ plugins: [{ ...firstFit, delivery: 'copy' }] }, /'\/plugins\/0\/delivery'/],
    [{ plugins: [{ ...firstFit, path: 'plugin' }] }, /'\/plugins\/0\/path'/],
    [{ plugins: [{ ...firstFit, replicas: 2 }] }, /'replicas' not allowed/],
    [{ plugins: [{ ...firstFit, delivery: 'deployment', path: '/x' }] }, /'path' not allowed/],
    [{ plugins: [{ ...firstFit, delivery: 'deployment', controller: 'x:1' }] }, /'controller' not allowed/],
    [{ pluginsFromList: ['example/tables'] }, /'\/pluginsFromList\/0'/],
  ])('is refused as %j', async (values, complaint) => {
    await expect(render('kplug', values)).rejects.toThrow(complaint);
  });
});

it('plugins of a list are downloaded into a given volume', async () => {
  const sum = `example/other@v2#sha256:${'a'.repeat(64)}`;
  const pluginsVolume = { persistentVolumeClaim: { claimName: 'plugins' } };
  const pod = podOf(await render('kplug', { pluginsFromList: ['example/tables@v1.2.0', sum], pluginsVolume }));
  const args = ['--plugins-dir=/plugins', '--plugins=example/tables@v1.2.0', `--plugins=${sum}`];
  expect(pod.containers[0].args).toEqual(expect.arrayContaining(args));
  expect(pod.volumes).toContainEqual({ name: 'plugins', ...pluginsVolume });
  // Others may write to it, so its permissions count.
  expect(pod.containers[0].args).not.toContain('--allow-writable-plugins-dir');
  const inMemory = { pluginsVolume: { emptyDir: { medium: 'Memory' } } };
  expect(podOf(await render('kplug', inMemory)).containers[0].args).toContain('--allow-writable-plugins-dir');
});

it('an operator without such plugins has no plugins folder', async () => {
  const pod = podOf(await render('kplug', {}));
  expect(pod.containers[0].args.filter((arg) => arg.startsWith('--plugins'))).toEqual([]);
  expect(pod.volumes).toHaveLength(1);
  expect(pod.initContainers).toBeUndefined();
});
