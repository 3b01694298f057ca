import { asArray, asObject } from '../read-json.ts';
import type { JsonObject } from '../resource.ts';
import type { PodNetwork } from '../services/pod-network.ts';
import { ApiError } from './api-error.ts';
import type { Transport } from './transport.ts';

/** Reads the addresses of pods from the API server. It is asked only about the rare plugin that doesn't use the address it calls from. */
export class KubernetesPodNetwork implements PodNetwork {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async addressesOf(namespace: string, name: string): Promise<string[]> {
    const pod = await this.#read(namespace, 'pods', name);
    if (!pod) return [];
    const { items } = (await this.#read(namespace, 'services', '')) ?? {};
    const labels = asObject(asObject(pod.metadata).labels);
    const selecting = asArray(items)
      .map((service) => asObject(asObject(service).spec))
      .filter((spec) => selects(spec, labels));
    return [
      ...asArray(asObject(pod.status).podIPs).map((entry) => asObject(entry).ip),
      ...selecting.flatMap((spec) => asArray(spec.clusterIPs)),
    ].filter((ip) => typeof ip === 'string');
  }

  /** Reads an object, or the list of a resource; `undefined` if it doesn't exist or may not be read. */
  async #read(namespace: string, resource: 'pods' | 'services', name: string): Promise<JsonObject | undefined> {
    const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
    try {
      return await this.#transport.request({
        method: 'GET',
        path: name ? `${collection}/${encodeURIComponent(name)}` : collection,
        verb: name ? 'get' : 'list',
        resource,
        isUnfenced: true,
      });
    } catch (error) {
      if (error instanceof ApiError && (error.reason === 'NotFound' || error.reason === 'Forbidden')) return undefined;
      throw error;
    }
  }
}

/** Reports whether a Service selects a pod. One without a selector selects none. */
function selects({ selector }: JsonObject, labels: JsonObject): boolean {
  const wanted = Object.entries(asObject(selector));
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}
