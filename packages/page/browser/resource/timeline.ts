import { EventType, type Pass, type RecordedEvent } from '@kplug/protocol/services';
import { durationOf, millisecondsOf } from '../format/time.ts';

/** Something that happened to a resource. */
export interface TimelineEntry {
  readonly id: string;
  /** Time in milliseconds. */
  readonly at: number;
  readonly kind: 'event' | 'warning' | 'hand-over';
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/** Merges Events and changes of plugins between passes, newest first. */
export function mergeTimeline(events: readonly RecordedEvent[], passes: readonly Pass[]): TimelineEntry[] {
  const recorded = events.map(({ event, count, lastAt }, index): TimelineEntry => {
    const { type, reason = '', message = '' } = event ?? {};
    const kind = type === EventType.WARNING ? 'warning' : 'event';
    return { id: `event ${index}`, at: millisecondsOf(lastAt) ?? 0, kind, reason, message, count };
  });
  return [...recorded, ...handOvers(passes)].sort((a, b) => b.at - a.at);
}

/** Passes that chose other plugins than the pass before them. Passes are newest first. */
function handOvers(passes: readonly Pass[]): TimelineEntry[] {
  const chosen = passes.filter(({ plugins }) => plugins.length > 0);
  return chosen.flatMap((pass, index) => {
    const before = chosen[index + 1];
    const [from, to] = [before?.plugins.join(', '), pass.plugins.join(', ')];
    if (from === undefined || from === to) return [];
    const at = endOf(pass);
    const message = `from ${from} to ${to}`;
    return [{ id: `pass ${at} ${index}`, at, kind: 'hand-over', reason: 'Plugin changed', message, count: 1 } as const];
  });
}

/** Time at which a pass ended, in milliseconds. */
export function endOf({ startedAt, took }: Pass): number {
  return (millisecondsOf(startedAt) ?? 0) + (durationOf(took) ?? 0);
}
