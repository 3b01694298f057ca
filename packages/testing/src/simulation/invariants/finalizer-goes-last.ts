import type { Resource } from '@kplug/controller';
import type { Happening, WriteRecord } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { tables } from '../kinds.ts';
import { holdersAfter } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import { pluginsOf } from './statuses-are-true.ts';

/** The finalizer is removed after the plugins have finalized. */
export class FinalizerGoesLast implements Invariant {
  readonly name = 'finalizer-goes-last';
  readonly sentence =
    'The finalizer of a resource that is being deleted is removed only after each plugin that holds it has finalized it, ' +
    'or as the delegation says when that plugin is gone. Nothing is called for the resource afterwards.';
  readonly #gone = new Set<string>();
  /** Keys of resources that were released after their deletion. */
  readonly #released = new Set<string>();
  /** Keys of resources, each with a plugin whose work was retained at a hand-over. */
  readonly #retained = new Set<string>();
  /** UIDs, each with a plugin that a status has named. */
  readonly #named = new Set<string>();
  /** Number of the last call for a resource, by UID, that was made before the delegation released it. */
  readonly #undelegated = new Map<string, number>();

  observe(happening: Happening, world: Simulation): string | undefined {
    if (happening.type === 'event') this.#onEvent(happening.key, happening.reason, happening.message);
    if (happening.type === 'call started' && this.#gone.has(happening.call.uid)) {
      return `call ${happening.call.id} for ${short(happening.call.key)} started after its finalizer had been removed`;
    }
    if (happening.type !== 'write') return undefined;
    const { write } = happening;
    if (write.kind === 'status' && write.after?.kind === tables.kind) this.#onStatus(write.after, world);
    return write.kind === 'remove finalizer' ? this.#onRemoved(write, world) : undefined;
  }

  #onStatus(table: Resource, { ledger }: Simulation): void {
    const { uid } = table.metadata;
    // The delegation releases it, and retains what was created.
    if (!table.status) this.#undelegated.set(uid, ledger.get(uid)?.at(-1)?.id ?? 0);
    for (const { name } of pluginsOf(table)) this.#named.add(`${uid} ${name.toLowerCase()}`);
  }

  #onRemoved(write: WriteRecord, world: Simulation): string | undefined {
    const { before, after, key, result, controller } = write;
    if (result !== 'written' || before?.kind !== tables.kind) return undefined;
    const { uid, deletionTimestamp } = before.metadata;
    if (!deletionTimestamp) {
      const calls = world.ledger.get(uid) ?? [];
      this.#undelegated.set(uid, calls.at(-1)?.id ?? 0);
      const mayBeReleased = world.hasNarrowed || !world.concerns(before);
      return mayBeReleased ? undefined : `the finalizer of ${short(key)} was removed, which is not being deleted`;
    }
    if (!after && write.isAnswered) this.#gone.add(uid);
    return this.#findUnfinalized(uid, key, controller, world);
  }

  #onEvent(key: string, reason: string, message: string): void {
    if (reason === 'Released') this.#released.add(key);
    const [, former] = /^handed over from (\S+) .*(is retained|was unavailable)/.exec(message) ?? [];
    if (reason === 'HandedOver' && former) this.#retained.add(`${key} ${former.toLowerCase()}`);
  }

  #findUnfinalized(
    uid: string,
    key: string,
    controller: string,
    { declaration, ledger }: Simulation,
  ): string | undefined {
    const { finalize, whenPluginGone } = declaration;
    if (!finalize || (whenPluginGone === 'release' && this.#released.has(key))) return undefined;
    const since = this.#undelegated.get(uid) ?? 0;
    // A controller that takes over knows only the plugins that the status names.
    const calls = (ledger.get(uid) ?? []).filter((call) => {
      const isKnown = call.controller === controller;
      return call.id > since && (isKnown || this.#named.has(`${uid} ${call.plugin.toLowerCase()}`));
    });
    for (const holder of holdersAfter(calls)) {
      const isRetained = this.#retained.has(`${key} ${holder.toLowerCase()}`);
      // Another plugin may have finalized instead.
      const mayBeOther = whenPluginGone === 'fallback';
      const isFinalized = calls.some(({ method, cause, outcome }) => {
        return mayBeOther && method === 'Finalize' && cause === 'deleted' && outcome === 'success';
      });
      if (!isFinalized && !isRetained)
        return `the finalizer of ${short(key)} was removed before ${holder} finalized it`;
    }
    return undefined;
  }
}
