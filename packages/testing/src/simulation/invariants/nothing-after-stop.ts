import type { Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';

/** A controller that has stopped does nothing. */
export class NothingAfterStop implements Invariant {
  readonly name = 'nothing-after-stop';
  readonly sentence =
    'A controller makes no call and records no Event after it has stopped, and no write after it has stopped or lost its leadership.';
  readonly #stopped = new Set<string>();
  readonly #deposed = new Set<string>();

  observe(happening: Happening): string | undefined {
    if (happening.type === 'controller') {
      if (happening.state === 'stopped') this.#stopped.add(happening.controller);
      if (happening.state === 'deposed') this.#deposed.add(happening.controller);
      return undefined;
    }
    if (happening.type === 'call started') {
      const { controller, id, key } = happening.call;
      if (this.#stopped.has(controller) || this.#deposed.has(controller))
        return `${controller} started call ${id} for ${short(key)}`;
    }
    if (happening.type === 'write') {
      const { controller, kind, key } = happening.write;
      if (this.#stopped.has(controller) || this.#deposed.has(controller))
        return `${controller} made a write: ${kind} of ${short(key)}`;
    }
    if (happening.type === 'event' && this.#stopped.has(happening.controller))
      return `${happening.controller} recorded an Event on ${short(happening.key)}`;
    return undefined;
  }
}
