import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type MeasuredReport, page } from './page.ts';

const docs = resolve(import.meta.dirname, '../docs');

function readReports(): MeasuredReport[] {
  const files = globSync('*.json', { cwd: join(docs, 'benchmarks') });
  return files.map((file) => JSON.parse(readFileSync(join(docs, 'benchmarks', file), 'utf8')) as MeasuredReport);
}

it('docs/benchmarks.md is made from the reports beside it', () => {
  const written = readFileSync(join(docs, 'benchmarks.md'), 'utf8');
  const place = ({ report }: MeasuredReport) => written.indexOf(`\n## ${report.title}\n`);
  const reports = readReports().sort((a, b) => place(a) - place(b));
  expect(page(reports)).toBe(written);
});

it('names the machine once, or in each section where reports are from several', () => {
  const [first, ...rest] = readReports();
  if (!first) throw new Error('there are no reports');
  const others = rest.map((report) => ({ ...report, machine: first.machine }));
  const reports = [first, ...others];
  expect(page(reports).match(/with Node\.js /g)).toHaveLength(1);
  const elsewhere = { ...first, machine: { ...first.machine, model: 'another processor' } };
  expect(page([elsewhere, ...others]).match(/with Node\.js /g)).toHaveLength(reports.length);
});
