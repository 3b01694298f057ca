import { type Requirement } from './requirement.ts';
/** How trying a requirement went. One that SHOULD be met and isn't has the result `warning`. */
export interface Verdict {
  number: string;
  level: Requirement<unknown>['level'];
  title: string;
  result: 'passed' | 'failed' | 'warning' | 'notTried';
  /** Of one that isn't met: what was seen, and what should have been. */
  seen?: string;
  expected?: string;
  /** A remark; of one that wasn't tried, why not. */
  remark?: string;
  /** How long it took, in milliseconds. */
  duration: number;
}
/** Tries requirements one after the other, in their order. Never rejects. */
export declare function runRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  subject: Subject,
): Promise<Verdict[]>;
/** Those of the given numbers; all of them where none is given. Throws a `CommandError` for a number that none of them has. */
export declare function selectRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  numbers: readonly string[] | undefined,
): Requirement<Subject>[];
