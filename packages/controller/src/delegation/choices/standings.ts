import type { PluginName } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';

/**
 * Standings of implementations: all that choices depend on and that changes while they are registered. An instance more or less
 * of an implementation usually doesn't change its standing.
 */
export class Standings {
  readonly #known = new Map<Implementation, string>();
  /** Number of implementations, by the key of the plugin. */
  readonly #counts = new Map<string, number>();

  /** Takes in the current standings of implementations. Returns those whose standing changed. */
  update(implementations: Iterable<Implementation>): Implementation[] {
    const changed: Implementation[] = [];
    for (const implementation of implementations) {
      const standing = standingOf(implementation);
      if (standing === this.#known.get(implementation)) continue;
      changed.push(implementation);
      if (!this.#known.has(implementation)) this.#count(implementation, 1);
      if (standing === undefined) {
        this.#known.delete(implementation);
        this.#count(implementation, -1);
      } else this.#known.set(implementation, standing);
    }
    return changed;
  }

  /** Reports whether any implementation of a plugin is registered. */
  has(plugin: PluginName): boolean {
    return this.#counts.has(plugin.key);
  }

  #count({ plugin: { key } }: Implementation, change: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

/** Returns the standing of an implementation; `undefined` when its last instance is gone. */
function standingOf({ plugin, size, weight, unavailability, unreachable }: Implementation): string | undefined {
  if (size === 0) return undefined;
  // The message of a waiting resource has the reason why the plugin can't be reached.
  const reason = unavailability === 'Unreachable' ? (unreachable[0]?.stateReason ?? '') : '';
  return `${plugin.text} ${weight} ${unavailability ?? ''} ${reason}`;
}
