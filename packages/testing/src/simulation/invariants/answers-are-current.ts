import type { CallRecord, Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';

/** Events come from answers that count. */
export class AnswersAreCurrent implements Invariant {
  readonly name = 'answers-are-current';
  readonly sentence =
    'An Event of a plugin comes from the last call for the resource, whose answer was not stale when it arrived.';
  readonly #calls = new Map<number, CallRecord>();

  observe(happening: Happening): string | undefined {
    if (happening.type === 'call started') this.#calls.set(happening.call.id, happening.call);
    if (happening.type !== 'event' || happening.reason !== 'Called') return undefined;
    const { key, message, controller } = happening;
    const call = this.#calls.get(Number(/\d+/.exec(message)?.[0]));
    if (!call || call.key !== key || call.controller !== controller) return `the Event "${message}" has no call`;
    const subject = `the Event "${message}" on ${short(key)}`;
    if (call.endedAt === undefined) return `${subject} was recorded before the call ended`;
    return call.stale && call.method === 'Reconcile' ? `${subject} is of a stale answer` : undefined;
  }
}
