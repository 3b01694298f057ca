/** How binding a requirement is. One that SHOULD be met and isn't is a warning. */
export type Level = 'MUST' | 'SHOULD';
/** What the specification requires, and how to see whether it is met. */
export interface Requirement<Subject> {
  /** Its number in `docs/plugin-specification.md`. Several may have the same one, with different titles. */
  number: string;
  level: Level;
  /** What is required, as a sentence without its subject: `beats at least once in the interval`. */
  title: string;
  /**
   * Tries it. Fulfilled when it is met, with a remark if there is one. Rejects with `NotMet`, with `NotTried`, or with anything
   * else, which counts as not met.
   */
  check(subject: Subject): Promise<string | undefined>;
}
/** A requirement isn't met. */
export declare class NotMet extends Error {
  readonly name = 'NotMet';
  readonly seen: string;
  readonly expected: string;
  constructor(seen: string, expected: string);
}
/** A requirement couldn't be tried; the message says why, and what to do so that it can. */
export declare class NotTried extends Error {
  readonly name = 'NotTried';
}
/** A requirement that can't be seen from outside: it stands in the list so that nobody takes it for met. */
export declare function unseen<Subject>(number: string, level: Level, title: string, why: string): Requirement<Subject>;
