import type { Delegation } from '../delegation/delegation.ts';
import type { KindProblem } from '../resources/port.ts';

/** Returns the id of the cause that the kind of a delegation can't be read. */
export function kindCause({ settings }: Delegation, { reason }: KindProblem): string {
  return `kind/${settings.name}/${reason}`;
}
