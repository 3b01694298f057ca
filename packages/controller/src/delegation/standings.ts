import type { Implementation } from '../registry/implementation.ts';

/**
 * Standings of implementations: all that choices depend on and that changes while they are registered. An instance more or less
 * of an implementation usually doesn't change its standing.
 */
export class Standings {
  readonly #known = new Map<Implementation, string>();

  /** Takes in the current standings of implementations. Returns those whose standing changed. */
  update(implementations: Iterable<Implementation>): Implementation[] {
    const changed: Implementation[] = [];
    for (const implementation of implementations) {
      const standing = standingOf(implementation);
      if (standing === this.#known.get(implementation)) continue;
      changed.push(implementation);
      if (standing === undefined) this.#known.delete(implementation);
      else this.#known.set(implementation, standing);
    }
    return changed;
  }
}

/** Returns the standing of an implementation; `undefined` when its last instance is gone. */
function standingOf({ plugin, size, weight, unavailability, unreachable }: Implementation): string | undefined {
  if (size === 0) return undefined;
  // The message of a waiting resource has the reason why the plugin can't be reached.
  const reason = unavailability === 'Unreachable' ? (unreachable[0]?.stateReason ?? '') : '';
  return `${plugin.text} ${weight} ${unavailability ?? ''} ${reason}`;
}
