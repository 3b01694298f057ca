/**
 * State of a connection to an instance.
 *
 * - `connecting`: the instance has not yet answered.
 * - `serving`: the instance answered and is healthy.
 * - `notServing`: the instance answered, and reports that it is not serving.
 * - `retired`: accepts no new calls; closes when its in-flight calls have ended.
 * - `closed`: its calls are cancelled and its channel is closed.
 */
export type ConnectionState = 'connecting' | 'serving' | 'notServing' | 'retired' | 'closed';

/** States that may follow each state. */
const successors: Record<ConnectionState, readonly ConnectionState[]> = {
  connecting: ['serving', 'retired', 'closed'],
  serving: ['notServing', 'retired', 'closed'],
  notServing: ['serving', 'retired', 'closed'],
  retired: ['closed'],
  closed: [],
};

/** Reports whether a connection may change from one state to another. */
export function canFollow(from: ConnectionState, to: ConnectionState): boolean {
  return successors[from].includes(to);
}
