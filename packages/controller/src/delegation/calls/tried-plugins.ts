import { limits } from '../../limits/limits.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import type { Failure } from './attempt.ts';

/** Number of plugins that one pass tries because each becomes unreachable. */
const { maxChoices } = limits.delegation;

/**
 * Plugins that one pass tried. Each that became unreachable is followed by another choice, but one that comes and goes ends the
 * pass, so that it is retried with back-off.
 */
export class TriedPlugins {
  readonly #tried = new Set<string>();

  /** Records the plugins of a choice. Returns false if they were tried before, or too many were. */
  add(chosen: readonly VersionedName[]): boolean {
    const id = chosen.map(formatPlugin).join();
    if (this.#tried.has(id) || this.#tried.size >= maxChoices) return false;
    this.#tried.add(id);
    return true;
  }
}

/** Returns the failure of a pass whose plugins became unreachable again. */
export function unreachable(chosen: readonly VersionedName[]): Failure {
  const names = chosen.map(formatPlugin).join(', ');
  const message = `${names} became unreachable again during the call; check whether it crashes`;
  return { reason: 'PluginUnavailable', message, terminal: false, retryAfter: undefined };
}
