import { randomBytes } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatJson, parseJson } from '@kplug/protocol';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { connect } from './connect.ts';

/** An object as users write it. */
export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** An object as the API server stores it. */
export interface StoredObject extends ClusterObject {
  metadata: ClusterObject['metadata'] & { uid: string; resourceVersion: string; finalizers?: string[] };
  status?: Record<string, unknown>;
}

interface ServedResource {
  name: string;
  namespaced: boolean;
  verbs: string[];
}

/** Client of a real API server with the operations of a `kubectl` user. */
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

  /** Connects to the cluster of a kubeconfig. Default: the control plane that the test run shares. */
  static async connect(kubeConfig?: KubeConfig): Promise<TestCluster> {
    const used = kubeConfig ?? (await connect());
    const tls: RequestOptions = {};
    await used.applyToHTTPSOptions(tls);
    return new TestCluster(used, tls);
  }

  /** Creates a namespace for a test or a test file. */
  async namespace(): Promise<string> {
    const name = `kplug-${randomBytes(5).toString('hex')}`;
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    this.#namespaces.push(name);
    return name;
  }

  /** Applies an object and returns the result. */
  async apply(object: ClusterObject): Promise<StoredObject> {
    const query = '?fieldManager=kubectl&force=true';
    return this.request<StoredObject>('PATCH', pathOf(object) + query, object, 'application/apply-patch+yaml');
  }

  /** Grants a user rules in a namespace, instead of those granted before. */
  async grant(user: string, namespace: string, rules: readonly object[]): Promise<void> {
    const group = 'rbac.authorization.k8s.io';
    const role = { apiVersion: `${group}/v1`, kind: 'Role', metadata: { name: 'operator', namespace } };
    await this.apply({ ...role, rules });
    await this.apply({
      ...role,
      kind: 'RoleBinding',
      roleRef: { apiGroup: group, kind: 'Role', name: 'operator' },
      subjects: [{ apiGroup: group, kind: 'User', name: user }],
    });
  }

  /** Changes an object by a merge patch. */
  async edit(object: ClusterObject, patch: object, subresource = ''): Promise<StoredObject> {
    const path = `${pathOf(object)}${subresource && `/${subresource}`}?fieldManager=kubectl-edit`;
    return this.request<StoredObject>('PATCH', path, patch, 'application/merge-patch+json');
  }

  /** Deletes an object if it exists. */
  async delete(object: ClusterObject): Promise<void> {
    await this.#send('DELETE', pathOf(object), undefined, undefined, [404]);
  }

  /**
   * Deletes a namespace and its contents. Does the work of the controller manager, which the test control plane does not have:
   * deletes the resources of all kinds and then removes the finalizer of the namespace.
   */
  async deleteNamespace(name: string): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.delete(namespace);
    const { groups } = await this.request<{ groups: { preferredVersion: { groupVersion: string } }[] }>('GET', '/apis');
    for (const { preferredVersion } of groups) {
      const root = `/apis/${preferredVersion.groupVersion}`;
      // Other test files define and remove kinds concurrently.
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

  /** Returns an object; `undefined` when it does not exist. */
  async get(object: ClusterObject): Promise<StoredObject | undefined> {
    return (await this.#send('GET', pathOf(object), undefined, undefined, [404])) as StoredObject | undefined;
  }

  /** Applies a definition and waits until its kind is served. */
  async define(definition: ClusterObject): Promise<void> {
    await this.apply(definition);
    const { group, names, versions } = definition.spec as {
      group: string;
      names: { plural: string };
      versions: { name: string }[];
    };
    const path = `/apis/${group}/${versions[0]?.name}/${names.plural}?limit=1`;
    const waitOptions = AbortSignal.timeout(20_000);
    while (!(await this.#send('GET', path, undefined, undefined, waitOptions.aborted ? [] : [404]))) await sleep(50);
  }

  /** Sends a request. Rejects when the response is an error. */
  async request<T>(method: string, path: string, body?: object, contentType = 'application/json'): Promise<T> {
    return (await this.#send(method, path, body, contentType, [])) as T;
  }

  /** Returns the columns that `kubectl get` shows of an object, by name. */
  async columns(path: string): Promise<Record<string, unknown>> {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const answer = await this.#agent.request({ origin: this.#server, path, method: 'GET', headers: { accept } });
    const { columnDefinitions, rows } = (await answer.body.json()) as {
      columnDefinitions: { name: string }[];
      rows: { cells: unknown[] }[];
    };
    return Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, rows[0]?.cells[index]]));
  }

  /** Returns the text at a path. */
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
      ...(body && { body: formatJson(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return parseJson(text);
    if (allowed.includes(answer.statusCode)) return undefined;
    throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  }
}

/** Returns the path of an object. The kinds of the tests have regular plurals. */
export function pathOf({ apiVersion, kind, metadata: { name, namespace } }: ClusterObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const home = namespace ? `/namespaces/${namespace}` : '';
  return `${root}${home}/${kind.toLowerCase()}s/${name}`;
}
