import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { getJson, helm, kplug, kubectl, loadImage } from './commands.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Returns the path of a file of this repository. */
export const inRepository = (path: string) => `${repository}${path}`;

const pluginDefinition = 'plugins.plugins.kplug.dev';
const waitOptions = { timeout: 90_000, interval: 250 };

/** Fields of a pod that the tests use. */
export interface Pod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: { containerStatuses?: { restartCount: number; ready: boolean }[] };
}

/** Fields of a `Plugin` that the tests use. */
export interface Plugin {
  metadata: { name: string };
  spec: { plugin?: string; version?: string };
  status?: {
    ready?: string;
    instanceCount?: string;
    source?: string;
    instances?: { podName?: string; state: string }[];
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
}

/** Fields of a plugin instance that the tests use. */
export interface PluginInstance {
  state: string;
  identity?: string;
  encrypted?: boolean;
}

/** Namespace with deployments of this repository. */
export class DeployedNamespace {
  readonly namespace = `kplug-test-${randomBytes(3).toString('hex')}`;
  /** Folder of the charts that are installed. */
  charts = inRepository('charts');
  readonly #releases = new Set<string>();

  /** Creates the namespace. Its pods are restricted by a Pod Security Standard. */
  async create(standard: 'restricted' | 'baseline' = 'restricted'): Promise<void> {
    await kubectl('create', 'namespace', this.namespace);
    await kubectl('label', 'namespace', this.namespace, `pod-security.kubernetes.io/enforce=${standard}`);
  }

  /** Loads images that `pnpm build:image` built into the cluster. */
  load(...images: string[]): Promise<void> {
    return this.loadFrom(repository, 'dev', ...images);
  }

  /** Loads images that `pnpm build:image` built in another checkout. */
  async loadFrom(checkout: string, tag: string, ...images: string[]): Promise<void> {
    for (const image of images) await loadImage(`kplug/${image}:${tag}`, join(checkout, 'dist/image', image));
  }

  /** Installs or upgrades the operator, for this namespace only, and waits until it runs. */
  async installOperator(values: string, ...settings: string[]): Promise<void> {
    const found = await kubectl('get', 'crd', pluginDefinition, '--ignore-not-found', '--output=name');
    // Another release may own the definitions, so Helm must not create them. They are updated here.
    if (found) {
      const kinds = ['plugin', 'delegation', 'provided-capability'];
      const files = kinds.map((kind) => join(this.charts, `kplug/files/${kind}.crd.yaml`));
      await kubectl('apply', '--server-side', '--force-conflicts', ...files.flatMap((file) => ['--filename', file]));
    }
    const own = [`namespaces={${this.namespace}}`, `crds.enabled=${!found}`, ...settings];
    await this.install('kplug', 'kplug', values, own);
  }

  /** Installs or upgrades a chart, and waits until its workloads are ready. */
  async install(release: string, chart: string, values: string, settings: readonly string[]): Promise<void> {
    this.#releases.add(release);
    const set = settings.flatMap((setting) => ['--set', setting]);
    const where = ['--namespace', this.namespace, '--wait', '--timeout=2m'];
    await helm('upgrade', '--install', release, join(this.charts, chart), ...where, '--values', values, ...set);
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl('--namespace', this.namespace, ...args);
  }

  get<T>(...args: string[]): Promise<T> {
    return getJson<T>(...args, '--namespace', this.namespace);
  }

  /** Waits until an object matches the expected fields. */
  expect(object: readonly string[], expected: object): Promise<void> {
    return vi.waitFor(async () => expect(await this.get(...object)).toMatchObject(expected), waitOptions);
  }

  async plugins(): Promise<Plugin[]> {
    return (await this.get<{ items: Plugin[] }>(pluginDefinition)).items;
  }

  /** Runs `kplug plugins list` for the operator of this namespace. */
  listPlugins(...args: string[]): Promise<string> {
    return kplug('plugins', 'list', '--cluster', '--operator-namespace', this.namespace, '--output', 'json', ...args);
  }

  /** Returns the plugin instances that the operator knows. */
  async pluginInstances(): Promise<PluginInstance[]> {
    return (JSON.parse(await this.listPlugins()) as { instances?: PluginInstance[] }).instances ?? [];
  }

  /** Returns the pods of a release, without terminating ones. */
  async pods(release: string): Promise<Pod[]> {
    const { items } = await this.get<{ items: Pod[] }>('pods', '--selector', `app.kubernetes.io/instance=${release}`);
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Returns the pod that the heartbeat Service selects. Waits until there is exactly one. */
  leader(): Promise<Pod> {
    return vi.waitFor(async () => {
      const leaders = (await this.pods('kplug')).filter(
        ({ metadata }) => metadata.labels['kplug.dev/role'] === 'leader',
      );
      expect(leaders, 'pods labelled as the leader').toHaveLength(1);
      return leaders[0] as Pod;
    }, waitOptions);
  }

  /** Returns the pods, Warning Events and logs, to debug a failed test. */
  async diagnostics(): Promise<string> {
    const pods = await this.kubectl('get', 'pods', '--output=wide');
    const warnings = await this.kubectl('get', 'events', '--field-selector=type=Warning', '--sort-by=.lastTimestamp');
    const log = await this.kubectl(
      'logs',
      '--selector=app.kubernetes.io/instance=kplug',
      '--tail=60',
      '--prefix',
    ).catch((error: Error) => error.message);
    return `${pods}\n${warnings}\n${log}`;
  }

  /** Removes everything except the definitions. */
  async remove(): Promise<void> {
    for (const release of [...this.#releases].reverse()) {
      await helm('uninstall', release, '--namespace', this.namespace, '--ignore-not-found', '--wait');
    }
    await kubectl('delete', 'namespace', this.namespace, '--timeout=120s');
  }
}
