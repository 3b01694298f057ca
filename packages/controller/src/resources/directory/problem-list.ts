import type { Logger } from 'pino';
import type { ManifestProblem } from '../manifest.ts';

/** Problem of a directory that its user has to fix. */
export type DirectoryProblem = ManifestProblem;

/** Receives each problem once when it is found, and once when it is solved. Must not throw. */
export type ProblemListener = (problem: DirectoryProblem, state: 'found' | 'solved') => void;

/** Current problems of a directory. Each is logged and reported once. */
export class ProblemList {
  readonly #logger: Logger;
  readonly #listener: ProblemListener | undefined;
  #problems = new Map<string, DirectoryProblem>();

  constructor(logger: Logger, listener?: ProblemListener) {
    this.#logger = logger;
    this.#listener = listener;
  }

  /** Returns all current problems, by file and line. */
  all(): DirectoryProblem[] {
    return sortProblems(this.#problems.values());
  }

  /** Replaces the current problems. */
  update(problems: Iterable<DirectoryProblem>): void {
    const former = this.#problems;
    this.#problems = new Map(sortProblems(problems).map((problem) => [JSON.stringify(problem), problem]));
    for (const [name, problem] of former) {
      if (this.#problems.has(name)) continue;
      this.#logger.info(positionOf(problem), `Solved: ${formatProblem(problem)}`);
      this.#listener?.(problem, 'solved');
    }
    for (const [name, problem] of this.#problems) {
      if (former.has(name)) continue;
      this.#logger.error(positionOf(problem), formatProblem(problem));
      this.#listener?.(problem, 'found');
    }
  }
}

/** Sorts problems by file, line and column. */
export function sortProblems(problems: Iterable<DirectoryProblem>): DirectoryProblem[] {
  return [...problems].sort(
    (a, b) => compare(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Formats a problem with its position, as editors and terminals understand it: `tables/users.yaml:3:5: …`. */
export function formatProblem({ file, line, column, message }: DirectoryProblem): string {
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;
}

function positionOf({ message: _, ...position }: DirectoryProblem): Omit<DirectoryProblem, 'message'> {
  return position;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
