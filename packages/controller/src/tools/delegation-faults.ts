import type { z } from 'zod';
import { delegationSchema } from '../delegation/declaration-schema.ts';

/** Fault of a declaration. */
export interface DelegationFault {
  /** Path of the field, such as `['extensions', 'kinds', 0, 'kind']`. Empty for the declaration itself. */
  path: readonly (string | number)[];
  /** Fault, to be read after the path: `is missing`. */
  message: string;
}

/** Returns the faults of a declaration, in the order of its fields; none for a valid `DelegationDeclaration`. Never throws. */
export function findDelegationFaults(declaration: unknown): DelegationFault[] {
  const { error } = delegationSchema.safeParse(declaration);
  return (error?.issues ?? []).flatMap(faultsOf);
}

function faultsOf(issue: z.core.$ZodIssue): DelegationFault[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a field of a delegation' }));
  }
  // Each alternative of a union has a message of its own.
  const messages = issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message) : [issue.message];
  return [{ path, message: messages.map(simplify).join(', or ') }];
}

/** Removes technical parts of zod's messages. */
function simplify(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message.replace(/^Invalid (input|option): /, '');
}
