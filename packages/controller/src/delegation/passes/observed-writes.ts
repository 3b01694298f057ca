import type { ClusterServices } from '../../resources/cluster-services.ts';
import type {
  OwnedContent,
  OwnedWrite,
  OwnedWriteOptions,
  Resources,
  WriteOptions,
  WriteResult,
} from '../../resources/port.ts';
import type { JsonObject, ResourceKey } from '../../resources/resource.ts';
import type { PassSteps, WriteVerb } from '../../telemetry/pass-steps.ts';

/** What a pass uses of the resources. */
export interface PassResources extends Omit<Resources, 'services' | 'follow' | 'followsNamespace' | 'close'> {
  readonly services?: ClusterServices | undefined;
}

/** Resources as a pass sees them: each write is a step of it, wherever the resources are stored. */
export class ObservedWrites implements PassResources {
  readonly #resources: PassResources;
  readonly #steps: PassSteps;
  readonly isNamespaced: NonNullable<PassResources['isNamespaced']>;

  constructor(resources: PassResources, steps: PassSteps) {
    this.#resources = resources;
    this.#steps = steps;
    this.isNamespaced = (kind) => resources.isNamespaced?.(kind);
  }

  get services(): PassResources['services'] {
    return this.#resources.services;
  }

  problem: PassResources['problem'] = (kind) => this.#resources.problem(kind);
  get: PassResources['get'] = (key) => this.#resources.get(key);
  list: PassResources['list'] = (kind) => this.#resources.list(kind);

  applyStatus(key: ResourceKey, status: JsonObject, options: WriteOptions): Promise<WriteResult> {
    return this.#write('status', key, options, () => this.#resources.applyStatus(key, status, options));
  }

  addFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write('add-finalizer', key, options, () => this.#resources.addFinalizer(key, finalizer, options));
  }

  removeFinalizer(key: ResourceKey, finalizer: string, options: WriteOptions): Promise<WriteResult> {
    return this.#write('remove-finalizer', key, options, () =>
      this.#resources.removeFinalizer(key, finalizer, options),
    );
  }

  applyOwned(key: ResourceKey, content: OwnedContent, options: OwnedWriteOptions): Promise<OwnedWrite> {
    return this.#write('apply', key, options, () => this.#resources.applyOwned(key, content, options));
  }

  removeOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#write('delete', key, options, () => this.#resources.removeOwned(key, options));
  }

  releaseOwned(key: ResourceKey, options: OwnedWriteOptions): Promise<WriteResult> {
    return this.#write('release', key, options, () => this.#resources.releaseOwned(key, options));
  }

  #write<R extends WriteResult | OwnedWrite>(
    verb: WriteVerb,
    target: ResourceKey,
    { fieldManager }: { fieldManager: string },
    make: () => Promise<R>,
  ): Promise<R> {
    return this.#steps.run({ kind: 'write', verb, target, fieldManager }, async (step) => {
      const written = await make();
      step.ended(typeof written === 'string' ? written : written.result);
      return written;
    });
  }
}
