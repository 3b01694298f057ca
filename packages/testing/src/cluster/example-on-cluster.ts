import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type ControllerOptions } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { pino } from 'pino';
import { expect, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ownDefinition } from '../control-plane/definition.ts';
import { type ClusterObject, type StoredObject, TestCluster } from '../control-plane/test-cluster.ts';

const waitOptions = { timeout: 30_000, interval: 50 };
/** An example on a real API server, with its files, its plugins as processes, and a controller. */
export class ExampleOnCluster implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly namespace: string;
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #applied: ClusterObject[] = [];
  #controller: Controller | undefined;

  private constructor(cluster: TestCluster, namespace: string, folder: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.#folder = folder;
  }

  static async open(): Promise<ExampleOnCluster> {
    const cluster = await TestCluster.connect();
    await cluster.define(await ownDefinition('delegation'));
    const folder = await mkdtemp(join(tmpdir(), 'kplug-example-'));
    const example = new ExampleOnCluster(cluster, await cluster.namespace(), folder);
    await writeFile(example.kubeconfig, cluster.kubeConfig.exportConfig());
    return example;
  }

  /** Path of the kubeconfig. */
  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  get controller(): Controller {
    return this.#controller ?? expect.fail('the controller was not started');
  }

  /** Starts a controller for this namespace and its `Delegation`s. */
  async startController(options: Partial<ControllerOptions> = {}): Promise<void> {
    const { cluster, namespace } = this;
    const logger = pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' });
    const resources = await openKubernetes({
      kubeConfig: cluster.kubeConfig,
      namespaces: [namespace],
      namespace,
      logger,
    });
    this.#controller = new Controller({
      resources,
      followDelegations: { operator: namespace },
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
      ...options,
    });
    await this.#controller.start();
  }

  /** Starts a plugin of an example as a process. */
  startPlugin(file: URL): void {
    const env = {
      ...process.env,
      KUBECONFIG: this.kubeconfig,
      KPLUG_CONTROLLER: this.controller.heartbeatAddress,
      KPLUG_LOG_LEVEL: 'warn',
    };
    this.#children.push(spawn(process.execPath, [file.pathname], { env, stdio: ['ignore', 'ignore', 'inherit'] }));
  }

  /** Applies the objects of a file: definitions to the cluster, `Delegation`s for this controller, others to the namespace. */
  async apply(file: URL): Promise<void> {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const object = document.toJS() as ClusterObject;
      if (object.kind === 'CustomResourceDefinition') await this.cluster.define(object);
      else if (object.kind === 'Delegation') await this.#applyOwn(delegationFor(this.namespace, object));
      else await this.#applyOwn(isOfCluster(object) ? object : this.#inNamespace(object));
    }
  }

  /** Returns an object of this namespace as users write it. */
  object(apiVersion: string, kind: string, name: string, fields: object = {}): ClusterObject {
    return { apiVersion, kind, metadata: { name, namespace: this.namespace }, ...fields };
  }

  /** Waits until an object meets an expectation. */
  expectStored(object: ClusterObject, expected: object): Promise<StoredObject> {
    return vi.waitFor(async () => {
      const stored = await this.cluster.get(object);
      expect(stored).toMatchObject(expected);
      return stored as StoredObject;
    }, waitOptions);
  }

  /** Waits until an object is gone. */
  expectGone(object: ClusterObject): Promise<void> {
    return vi.waitFor(async () => expect(await this.cluster.get(object)).toBeUndefined(), waitOptions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const object of this.#applied) await this.cluster.delete(object);
    // The controller has to run while its `Delegation`s are deleted, to release their resources.
    for (const object of this.#applied) if (object.kind === 'Delegation') await this.expectGone(object);
    for (const child of this.#children) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    await this.#controller?.stop();
    await this.cluster.close();
    await rm(this.#folder, { recursive: true });
  }

  /** Sets the namespace of an object, and of the subjects that it names, if it has none. */
  #inNamespace(object: ClusterObject): ClusterObject {
    const { namespace } = this;
    const subjects = object.subjects as object[] | undefined;
    return {
      ...object,
      metadata: { ...object.metadata, namespace },
      ...(subjects && { subjects: subjects.map((subject) => ({ namespace, ...subject })) }),
    };
  }

  async #applyOwn(object: ClusterObject): Promise<void> {
    await this.cluster.apply(object);
    this.#applied.push(object);
  }
}

function isOfCluster({ kind }: ClusterObject): boolean {
  return /^Cluster|^Namespace$/.test(kind);
}

/** Makes a `Delegation` unique to a namespace, as `Delegation`s are cluster-scoped and tests share the API server. */
function delegationFor(namespace: string, { metadata, spec, ...object }: ClusterObject): ClusterObject {
  return {
    ...object,
    metadata: { name: `${metadata.name}-${namespace}`, labels: { 'kplug.dev/operator': namespace } },
    spec: { ...(spec as object), namespaces: [namespace] },
  };
}
