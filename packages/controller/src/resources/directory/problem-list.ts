import type { Logger } from 'pino';
import type { ManifestProblem } from '../manifest.ts';

/** Receives each problem of a directory once when it is found, and once when it is solved. Must not throw. */
export type DirectoryProblemListener = (problem: ManifestProblem, state: 'found' | 'solved') => void;

/** Current problems of a directory. Each is logged and reported once. */
export class ProblemList {
  readonly #logger: Logger;
  readonly #listener: DirectoryProblemListener | undefined;
  #problems = new Map<string, ManifestProblem>();

  constructor(logger: Logger, listener?: DirectoryProblemListener) {
    this.#logger = logger;
    this.#listener = listener;
  }

  /** Returns all current problems, by file and line. */
  all(): ManifestProblem[] {
    return sortProblems(this.#problems.values());
  }

  /** Replaces the current problems. */
  update(problems: Iterable<ManifestProblem>): void {
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
export function sortProblems(problems: Iterable<ManifestProblem>): ManifestProblem[] {
  return [...problems].sort(
    (a, b) => compare(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Formats a problem with its position, as editors and terminals understand it: `tables/users.yaml:3:5: …`. */
export function formatProblem({ file, line, column, message }: ManifestProblem): string {
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;
}

function positionOf({ message: _, ...position }: ManifestProblem): Omit<ManifestProblem, 'message'> {
  return position;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
