import { Outcome, type ReconcileResponse } from '@kplug/protocol';
/** An answer, or the error in place of one, for people. */
export declare function describeAnswer(answer: unknown): string;
/** An outcome's name; its number where it has none. */
export declare function nameOf(outcome: Outcome): string;
/** What an answer says that resources are, as a value that can be compared: statuses, and conditions by type. */
export declare function stateOf({ baseStatus, extensionStatuses, conditions }: ReconcileResponse): object;
/** A status as JSON; where it isn't any, its text, so that it can be compared and shown all the same. */
export declare function readStatus(status: Uint8Array): unknown;
