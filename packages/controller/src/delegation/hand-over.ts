import { keyOf } from '../resources/resource.ts';
import type { Failure } from './attempt.ts';
import { type Choice, findHolder } from './choose.ts';
import { askToFinalize } from './finalize.ts';
import type { Gathered } from './gather.ts';
import type { PassContext } from './pass-context.ts';
import { holdersOf } from './status.ts';

/**
 * Takes a resource from the plugins it went to before, when it goes to another one. By default what they made is left
 * alone. Returns what stands in the way, or nothing when the next plugin may be called.
 */
export async function handOver(
  context: PassContext,
  gathered: Gathered,
  { selection }: Choice,
  attempt: number,
): Promise<Failure | undefined> {
  const { settings, events } = context;
  const key = keyOf(gathered.base);
  const next = selection.chosen.map(({ plugin, version }) => `${plugin} ${version}`).join(', ');
  for (const holder of holdersOf(gathered.base)) {
    if (selection.chosen.some(({ plugin }) => plugin === holder.plugin)) continue;
    const former = `${holder.plugin} ${holder.version}`;
    if (settings.handOver === 'retain') {
      const message = `the resource goes from ${former} to ${next}; what ${former} made is retained`;
      events.record(key, { type: 'Normal', reason: 'HandedOver', message });
      continue;
    }
    const implementation = findHolder(holder, settings, context.registry);
    const ended = implementation
      ? await askToFinalize(context, gathered, implementation, 'handedOver', attempt)
      : 'unreachable';
    if (ended === 'unreachable') {
      const message = `the resource goes from ${former} to ${next}; ${former} isn't there to undo what it made`;
      events.record(key, { type: 'Warning', reason: 'HandedOver', message });
    } else if (ended.failure) {
      return { ...ended.failure, reason: 'HandOverFailed', message: `before ${next}: ${ended.failure.message}` };
    } else {
      const message = `the resource goes from ${former}, which undid what it made, to ${next}`;
      events.record(key, { type: 'Normal', reason: 'HandedOver', message });
    }
  }
  return undefined;
}
