import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ManifestProblem } from '../manifest.ts';
import { formatProblem, ProblemList } from './problem-list.ts';

describe('ProblemList', () => {
  it('reports and logs each problem once, and its solution once', () => {
    const told: string[] = [];
    const logged: string[] = [];
    const logger = pino({}, { write: (line) => void logged.push(JSON.parse(line).msg) });
    const list = new ProblemList(logger, (problem, state) => told.push(`${state} ${formatProblem(problem)}`));
    const late: ManifestProblem = { file: 'b.yaml', line: 3, column: 5, message: 'Late.' };
    const early: ManifestProblem = { file: 'a.yaml', message: 'Early.' };
    list.update([late, early]);
    list.update([early, { ...late }]);
    expect(list.all()).toEqual([early, late]);
    list.update([late]);
    list.update([]);
    expect(told).toEqual([
      'found a.yaml: Early.',
      'found b.yaml:3:5: Late.',
      'solved a.yaml: Early.',
      'solved b.yaml:3:5: Late.',
    ]);
    expect(logged).toEqual([
      'a.yaml: Early.',
      'b.yaml:3:5: Late.',
      'Solved: a.yaml: Early.',
      'Solved: b.yaml:3:5: Late.',
    ]);
    expect(list.all()).toEqual([]);
  });
});
