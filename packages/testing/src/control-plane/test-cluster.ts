import { randomBytes } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';

/** An object as a user writes it. */
export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** An object as the API server has it. */
export interface StoredObject extends ClusterObject {
  metadata: ClusterObject['metadata'] & { uid: string; resourceVersion: string; finalizers?: string[] };
  status?: Record<string, unknown>;
}

interface ServedResource {
  name: string;
  namespaced: boolean;
  verbs: string[];
}

/** What the user of a cluster does with `kubectl`, on a real API server. */
export class TestCluster {
  readonly kubeConfig: KubeConfig;
  readonly #server: string;
  readonly #agent: Agent;
  readonly #namespaces: string[] = [];

  private constructor(kubeConfig: KubeConfig, tls: RequestOptions) {
    this.kubeConfig = kubeConfig;
    this.#server = kubeConfig.getCurrentCluster()?.server ?? '';
    this.#agent = new Agent({ connect: { ca: tls.ca, cert: tls.cert, key: tls.key }, connections: 16, allowH2: false });
  }

  /** A cluster by its kubeconfig. Default: the one that the run shares. */
  static async connect(kubeConfig?: KubeConfig): Promise<TestCluster> {
    // The benchmarks bring theirs, and don't run in vitest.
    const used = kubeConfig ?? (await (await import('./connect.ts')).connect());
    const tls: RequestOptions = {};
    await used.applyToHTTPSOptions(tls);
    return new TestCluster(used, tls);
  }

  /** Makes a namespace of its own for a test or a test file. */
  async namespace(): Promise<string> {
    const name = `kplug-${randomBytes(5).toString('hex')}`;
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    this.#namespaces.push(name);
    return name;
  }

  /** Applies an object as a user does, and returns it as it is then. */
  async apply(object: ClusterObject): Promise<StoredObject> {
    const query = '?fieldManager=kubectl&force=true';
    return this.request<StoredObject>('PATCH', pathOf(object) + query, object, 'application/apply-patch+yaml');
  }

  /** Changes parts of an object by a merge patch, as somebody does who edits it. */
  async edit(object: ClusterObject, patch: object, subresource = ''): Promise<StoredObject> {
    const path = `${pathOf(object)}${subresource && `/${subresource}`}?fieldManager=kubectl-edit`;
    return this.request<StoredObject>('PATCH', path, patch, 'application/merge-patch+json');
  }

  /** Deletes an object. One that isn't there is fine. */
  async delete(object: ClusterObject): Promise<void> {
    await this.#send('DELETE', pathOf(object), undefined, undefined, [404]);
  }

  /**
   * Deletes a namespace. Where no controller manager runs, as in the test control plane, what it would do is done here: it
   * removes the resources of all kinds that can be, and then lets the namespace go.
   */
  async deleteNamespace(name: string): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.delete(namespace);
    const { groups } = await this.request<{ groups: { preferredVersion: { groupVersion: string } }[] }>('GET', '/apis');
    for (const { preferredVersion } of groups) {
      const root = `/apis/${preferredVersion.groupVersion}`;
      // Other test files define kinds and remove them meanwhile.
      const served = (await this.#send('GET', root, undefined, undefined, [404])) as
        | { resources: ServedResource[] }
        | undefined;
      for (const { name: plural, namespaced, verbs } of served?.resources ?? []) {
        if (!namespaced || !verbs.includes('deletecollection')) continue;
        await this.#send('DELETE', `${root}/namespaces/${name}/${plural}`, undefined, undefined, [404]);
      }
    }
    await this.#send('PUT', `/api/v1/namespaces/${name}/finalize`, namespace, 'application/json', [404, 409]);
  }

  /** An object as it is now. */
  async get(object: ClusterObject): Promise<StoredObject | undefined> {
    return (await this.#send('GET', pathOf(object), undefined, undefined, [404])) as StoredObject | undefined;
  }

  /** Applies a definition, and waits until its kind is served. */
  async define(definition: ClusterObject): Promise<void> {
    await this.apply(definition);
    const { group, names, versions } = definition.spec as {
      group: string;
      names: { plural: string };
      versions: { name: string }[];
    };
    const path = `/apis/${group}/${versions[0]?.name}/${names.plural}?limit=1`;
    const patience = AbortSignal.timeout(20_000);
    while (!(await this.#send('GET', path, undefined, undefined, patience.aborted ? [] : [404]))) await sleep(50);
  }

  /** Any request. Rejects when the answer isn't a success. */
  async request<T>(method: string, path: string, body?: object, contentType = 'application/json'): Promise<T> {
    return (await this.#send(method, path, body, contentType, [])) as T;
  }

  /** What is at a path, where that isn't JSON. */
  async text(path: string): Promise<string> {
    const answer = await this.#agent.request({ origin: this.#server, path, method: 'GET' });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`GET ${path}: ${answer.statusCode} ${text}`);
    return text;
  }

  /** Removes the namespaces and closes the connections. */
  async close(): Promise<void> {
    for (const name of this.#namespaces) {
      await this.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    await this.#agent.close();
  }

  async #send(
    method: string,
    path: string,
    body: object | undefined,
    contentType: string | undefined,
    allowed: readonly number[],
  ): Promise<unknown> {
    const answer = await this.#agent.request({
      origin: this.#server,
      path,
      method: method as 'GET',
      headers: { accept: 'application/json', ...(contentType && { 'content-type': contentType }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return JSON.parse(text);
    if (allowed.includes(answer.statusCode)) return undefined;
    throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  }
}

/** Where an object is. The kinds of these tests have regular plurals. */
export function pathOf({ apiVersion, kind, metadata: { name, namespace } }: ClusterObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const home = namespace ? `/namespaces/${namespace}` : '';
  return `${root}${home}/${kind.toLowerCase()}s/${name}`;
}
