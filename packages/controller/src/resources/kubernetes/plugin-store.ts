import { formatJson } from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import { isJsonObject, jsonObjectsIn } from '../json.ts';
import type { JsonObject } from '../resource.ts';
import type { PluginRecord, PluginStore } from '../services/plugin-store.ts';
import { ApiError } from './api-error.ts';
import { applyRequest } from './apply-request.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const apiVersion = 'plugins.kplug.dev/v1alpha1';

/** Label of the `Plugin` resources that the operator writes. Those of users don't have it. */
export const ownLabel = { name: 'app.kubernetes.io/managed-by', value: 'kplug' } as const;

const fieldManager = 'kplug/registry';

/** Stores the known plugins as `Plugin` resources of one namespace. */
export class KubernetesPluginStore implements PluginStore {
  readonly #transport: Transport;
  readonly #namespace: string;
  /** Specs that were written, with their generations, by record. */
  readonly #written = new Map<string, { spec: string; generation: number }>();

  constructor(transport: Transport, namespace: string) {
    this.#transport = transport;
    this.#namespace = namespace;
  }

  async load(): Promise<PluginRecord[]> {
    try {
      const { items } = await this.#transport.request({
        method: 'GET',
        path: pathOf({ namespace: this.#namespace, name: '' }),
        verb: 'list',
        resource: 'plugins',
      });
      return jsonObjectsIn(items).flatMap(readRecord);
    } catch (error) {
      throw this.#failure(error, 'list', { namespace: this.#namespace, name: '' });
    }
  }

  async save(record: PluginRecord): Promise<void> {
    const place = this.#placeOf(record);
    try {
      if (record.ofGeneration === undefined) await this.#saveWhole(place, record);
      else await this.#applyStatus(place, record.status, record.ofGeneration);
    } catch (error) {
      // The user has deleted it, which the watch will report.
      const isGone = error instanceof ApiError && error.reason === 'NotFound';
      if (isGone && record.ofGeneration !== undefined) return;
      throw this.#failure(error, 'patch', place);
    }
  }

  async remove(record: Pick<PluginRecord, 'name' | 'namespace'>): Promise<void> {
    const place = this.#placeOf(record);
    this.#written.delete(keyOf(place));
    try {
      await this.#transport.request({ method: 'DELETE', path: pathOf(place), verb: 'delete', resource: 'plugins' });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return;
      throw this.#failure(error, 'delete', place);
    }
  }

  #placeOf({ namespace = this.#namespace, name }: Pick<PluginRecord, 'name' | 'namespace'>): Place {
    return { namespace, name };
  }

  async #saveWhole(place: Place, { spec, status }: PluginRecord): Promise<void> {
    const written = this.#written.get(keyOf(place));
    const text = formatJson(spec);
    let generation = written?.spec === text ? written.generation : await this.#applySpec(place, spec, text);
    try {
      await this.#applyStatus(place, status, generation);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'NotFound' || !written) throw error;
      // A user has deleted it.
      generation = await this.#applySpec(place, spec, text);
      await this.#applyStatus(place, status, generation);
    }
  }

  async #applySpec(place: Place, spec: JsonObject, text: string): Promise<number> {
    const labels = { [ownLabel.name]: ownLabel.value };
    const { metadata } = await this.#apply(place, '', { labels }, { spec });
    const generation = isJsonObject(metadata) ? Number(metadata.generation ?? 0) : 0;
    this.#written.set(keyOf(place), { spec: text, generation });
    return generation;
  }

  async #applyStatus(place: Place, status: JsonObject, generation: number): Promise<void> {
    const observed = jsonObjectsIn(status.conditions).map((condition) => ({
      ...condition,
      observedGeneration: generation,
    }));
    const whole = { ...status, observedGeneration: generation, conditions: observed };
    await this.#apply(place, '/status', {}, { status: whole });
  }

  #apply(place: Place, subresource: string, metadata: JsonObject, content: JsonObject): Promise<JsonObject> {
    const body = { apiVersion, kind: 'Plugin', metadata: { ...place, ...metadata }, ...content };
    const path = `${pathOf(place)}${subresource}`;
    return this.#transport.request(applyRequest({ path, resource: `plugins${subresource}`, fieldManager, body }));
  }

  #failure(error: unknown, verb: 'list' | 'patch' | 'delete', { namespace, name }: Place): unknown {
    if (!(error instanceof ApiError)) return error;
    const right = { group: 'plugins.kplug.dev', resource: 'plugins', verbs: [verb], namespace };
    const reason = error.reason === 'Forbidden' ? missingRule(right) : messageOf(error);
    const advice =
      error.reason === 'NotFound'
        ? '; install the CustomResourceDefinition plugins.plugins.kplug.dev of the chart'
        : '';
    const subject = name ? `The Plugin ${namespace}/${name}` : 'The known plugins';
    const done = { list: 'read', patch: 'written', delete: 'deleted' }[verb];
    return new KplugError('StorageFailed', `${subject} can't be ${done}: ${reason}${advice}`, { cause: error });
  }
}

/** Reference to a `Plugin`. */
interface Place {
  namespace: string;
  name: string;
}

function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}

function pathOf({ namespace, name }: Place): string {
  const collection = `/apis/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/plugins`;
  return name ? `${collection}/${encodeURIComponent(name)}` : collection;
}

function readRecord({ metadata, spec, status }: JsonObject): PluginRecord[] {
  if (!isJsonObject(metadata) || typeof metadata.name !== 'string') return [];
  const { name, namespace, labels, generation } = metadata;
  const isOwn = isJsonObject(labels) && labels[ownLabel.name] === ownLabel.value;
  const isDeclared = !isOwn || (isJsonObject(spec) && spec.source === 'service');
  return [
    {
      name,
      spec: isJsonObject(spec) ? spec : {},
      status: isJsonObject(status) ? status : {},
      ...(isDeclared && typeof namespace === 'string' && { namespace }),
      ...(!isOwn && { ofGeneration: Number(generation) }),
    },
  ];
}
