import type { PluginName } from '../../names.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Attempt } from '../calls/attempt.ts';
import { hashContent } from './hash-content.ts';
import { continueOperation, type Operation, readOperations } from './operation.ts';

/** Operations of one resource. */
interface Known {
  uid: string;
  operations: readonly Operation[];
}

/**
 * Operations in progress: those that the statuses list, and those that plugins reported since, whose status is yet to be written or can't
 * be, or whose answer was discarded as the resource changed meanwhile.
 */
export class KnownOperations {
  readonly #byKey = new Map<ResourceKey, Known>();

  /** Returns the operations of a resource, each of another plugin. */
  of(base: Resource): readonly Operation[] {
    const known = this.#byKey.get(keyOf(base));
    return known?.uid === base.metadata.uid ? known.operations : readOperations(base);
  }

  /** Returns the operation of a plugin for a resource. */
  find(base: Resource, plugin: PluginName): Operation | undefined {
    return this.of(base).find((operation) => operation.plugin.equals(plugin));
  }

  /**
   * Records the answers of plugins. A success or a terminal failure ends the operation of its plugin. Any other failure doesn't: the next
   * call brings the token again.
   */
  answered(base: Resource, attempts: readonly Attempt[], isFinalizing: boolean): void {
    for (const { answer, implementation } of attempts) {
      if (!answer) continue;
      const { plugin } = implementation;
      const { progress, outcome } = answer;
      if (progress) {
        const { generation } = base.metadata;
        const started = { plugin, generation, content: hashContent(base), finalizing: isFinalizing };
        this.#set(base, plugin, continueOperation(this.find(base, plugin), progress, started));
      } else if (outcome !== 'retry') this.remove(base, plugin);
    }
  }

  /** Removes the operation of a plugin that no longer works on a resource. */
  remove(base: Resource, plugin: PluginName): void {
    if (this.find(base, plugin)) this.#set(base, plugin, undefined);
  }

  /** Records that a status was written. @param base as it is known now. Its status may be older. */
  written(base: Resource): void {
    if (this.of(base).length === 0 && readOperations(base).length === 0) this.#byKey.delete(keyOf(base));
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#byKey.delete(key);
  }

  #set(base: Resource, plugin: PluginName, operation: Operation | undefined): void {
    const others = this.of(base).filter((one) => !one.plugin.equals(plugin));
    const operations = operation ? [...others, operation] : others;
    this.#byKey.set(keyOf(base), { uid: base.metadata.uid, operations });
  }
}
