import { KplugError, messageOf } from '../../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject } from '../resource.ts';
import type { PluginRecord, PluginStore } from '../surroundings.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const apiVersion = 'plugins.kplug.dev/v1alpha1';
const fieldManager = 'kplug/registry';

/** Keeps the known plugins as `Plugin` resources of one namespace. */
export class KubernetesPluginStore implements PluginStore {
  readonly #transport: Transport;
  readonly #namespace: string;
  /** The generation of each spec that was written, with the spec. */
  readonly #written = new Map<string, { spec: string; generation: number }>();

  constructor(transport: Transport, namespace: string) {
    this.#transport = transport;
    this.#namespace = namespace;
  }

  async load(): Promise<PluginRecord[]> {
    try {
      const { items } = await this.#transport.request({
        method: 'GET',
        path: this.#path(),
        verb: 'list',
        resource: 'plugins',
      });
      return Array.isArray(items) ? items.filter(isJsonObject).flatMap(readRecord) : [];
    } catch (error) {
      throw this.#failure(error, 'list', 'The known plugins');
    }
  }

  async save({ name, spec, status }: PluginRecord): Promise<void> {
    try {
      const written = this.#written.get(name);
      const text = JSON.stringify(spec);
      let generation = written?.spec === text ? written.generation : await this.#applySpec(name, spec, text);
      try {
        await this.#applyStatus(name, status, generation);
      } catch (error) {
        if (!(error instanceof ApiError) || error.reason !== 'NotFound' || !written) throw error;
        // Somebody has deleted it.
        generation = await this.#applySpec(name, spec, text);
        await this.#applyStatus(name, status, generation);
      }
    } catch (error) {
      throw this.#failure(error, 'patch', `The Plugin ${this.#namespace}/${name}`);
    }
  }

  async remove(name: string): Promise<void> {
    this.#written.delete(name);
    try {
      await this.#transport.request({ method: 'DELETE', path: this.#path(name), verb: 'delete', resource: 'plugins' });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return;
      throw this.#failure(error, 'delete', `The Plugin ${this.#namespace}/${name}`);
    }
  }

  async #applySpec(name: string, spec: JsonObject, text: string): Promise<number> {
    const labels = { 'app.kubernetes.io/managed-by': 'kplug' };
    const { metadata } = await this.#apply(name, '', { labels }, { spec });
    const generation = isJsonObject(metadata) ? Number(metadata.generation ?? 0) : 0;
    this.#written.set(name, { spec: text, generation });
    return generation;
  }

  async #applyStatus(name: string, status: JsonObject, generation: number): Promise<void> {
    const conditions = Array.isArray(status.conditions) ? status.conditions.filter(isJsonObject) : [];
    const observed = conditions.map((condition) => ({ ...condition, observedGeneration: generation }));
    const whole = { ...status, observedGeneration: generation, conditions: observed };
    await this.#apply(name, '/status', {}, { status: whole });
  }

  #apply(name: string, subresource: string, metadata: JsonObject, content: JsonObject): Promise<JsonObject> {
    const query = new URLSearchParams({ fieldManager, force: 'true' });
    const body = {
      apiVersion,
      kind: 'Plugin',
      metadata: { name, namespace: this.#namespace, ...metadata },
      ...content,
    };
    return this.#transport.request({
      method: 'PATCH',
      path: `${this.#path(name)}${subresource}?${query}`,
      verb: 'apply',
      resource: `plugins${subresource}`,
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify(body),
    });
  }

  #path(name = ''): string {
    const collection = `/apis/${apiVersion}/namespaces/${encodeURIComponent(this.#namespace)}/plugins`;
    return name ? `${collection}/${encodeURIComponent(name)}` : collection;
  }

  #failure(error: unknown, verb: string, subject: string): unknown {
    if (!(error instanceof ApiError)) return error;
    const why = error.reason === 'Forbidden' ? this.#missingRule(verb) : messageOf(error);
    const advice =
      error.reason === 'NotFound'
        ? '; install the CustomResourceDefinition plugins.plugins.kplug.dev of the chart'
        : '';
    return new KplugError('StorageFailed', `${subject} can't be kept: ${why}${advice}`, { cause: error });
  }

  #missingRule(verb: string): string {
    return missingRule({
      group: 'plugins.kplug.dev',
      resource: 'plugins',
      verbs: [verb],
      namespace: this.#namespace,
    });
  }
}

function readRecord({ metadata, spec, status }: JsonObject): PluginRecord[] {
  if (!isJsonObject(metadata) || typeof metadata.name !== 'string') return [];
  return [{ name: metadata.name, spec: isJsonObject(spec) ? spec : {}, status: isJsonObject(status) ? status : {} }];
}
