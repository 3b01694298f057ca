/** Level of a requirement. A SHOULD that is not met is a warning. */
export type Level = 'MUST' | 'SHOULD';

/** A requirement of the specification, with its check. */
export interface Requirement<Subject> {
  /** Number in `docs/plugin-specification.md`. Several requirements with different titles may share a number. */
  number: string;
  level: Level;
  /** Requirement as a sentence without its subject: `sends a heartbeat in each interval`. */
  title: string;
  /**
   * Checks the requirement. Resolves when it is met, with an optional remark. Rejects with `NotMet`, with `NotTried`, or with
   * any other error, which counts as not met.
   */
  check(subject: Subject): Promise<string | undefined>;
}

/** Thrown when a requirement is not met. */
export class NotMet extends Error {
  override readonly name = 'NotMet';
  readonly seen: string;
  readonly expected: string;

  constructor(seen: string, expected: string) {
    super(`${seen}; expected: ${expected}`);
    this.seen = seen;
    this.expected = expected;
  }
}

/** Thrown when a requirement cannot be checked. The message gives the reason and, if there is one, the remedy. */
export class NotTried extends Error {
  override readonly name = 'NotTried';
}

/** Returns a requirement that cannot be checked from outside. The report lists it so that it is not mistaken for met. */
export function unobservable<Subject>(
  number: string,
  level: Level,
  title: string,
  reason: string,
): Requirement<Subject> {
  return { number, level, title, check: () => Promise.reject(new NotTried(reason)) };
}
