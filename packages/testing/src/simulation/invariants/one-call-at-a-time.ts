import type { CallRecord, Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import type { Simulation } from '../simulation.ts';

/** At most one call for a resource at a time. */
export class OneCallAtATime implements Invariant {
  readonly name = 'one-call-at-a-time';
  readonly sentence =
    'A controller never makes two calls for one resource concurrently; with mode `all`, never two to one plugin.';
  readonly #running = new Map<string, CallRecord>();

  observe(happening: Happening, { scenario }: Simulation): string | undefined {
    if (happening.type !== 'call started' && happening.type !== 'call ended') return undefined;
    const { call } = happening;
    const plugin = scenario.declaration.mode === 'all' ? call.plugin.toLowerCase() : '';
    const id = `${call.controller} ${call.key} ${plugin}`;
    if (happening.type === 'call ended') {
      if (this.#running.get(id) === call) this.#running.delete(id);
      return undefined;
    }
    const other = this.#running.get(id);
    this.#running.set(id, call);
    return other && `call ${call.id} for ${short(call.key)} started while call ${other.id} was in progress`;
  }
}
