import { type Comparison, type Goal, type Growth, isMet, type Report } from './report.ts';

/** Where and when was measured. */
export interface Machine {
  date: string;
  cores: number;
  model: string;
  node: string;
}

/** A report, with where it is from. */
export interface MeasuredReport {
  report: Report;
  machine: Machine;
}

/** The page of all that was measured, in Markdown. Plots are beside it, as `benchmarks/<report>-<plot>.svg`. */
export function page(measured: readonly MeasuredReport[]): string {
  return `# Benchmarks

Made by \`npx -y pnpm@12 bench\`. Every figure stands beside a peer's from the same run, and the two took turns: machines differ,
and are busy; ratios tell more than figures.

${measured.map(section).join('\n')}`;
}

/** The name of a plot's file. */
export function plotFile(report: Report, growth: Growth): string {
  return `${report.name}-${growth.name}.svg`;
}

/** A figure in as many digits as mean something. */
export function formatFigure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value >= 1_000 ? 4 : 3 });
}

/** A comparison as one line of a table. */
export function comparisonRow(comparison: Comparison): string[] {
  const { what, unit, figure, peer, ratio, goal } = comparison;
  return [
    what,
    `${formatFigure(figure)} ${unit}`,
    peer ? `${peer.what}: ${formatFigure(peer.figure)}` : '',
    ratio === undefined ? '' : `${formatFigure(ratio)} ×`,
    goal ? describeGoal(goal, unit) : '',
    goal ? (isMet(comparison, goal) ? 'met' : 'not met') : '',
  ];
}

function section({ report, machine }: MeasuredReport): string {
  const { date, cores, model, node } = machine;
  return `## ${report.title}

${report.method}

On ${date}, on ${cores} cores of ${model}, with Node.js ${node}:

${markdownTable(['', 'figure', 'peer', 'ratio', 'goal', ''], report.comparisons.map(comparisonRow))}
${report.notes.map((note) => `\n${note}\n`).join('')}
${report.growth.map((growth) => growthSection(report, growth)).join('\n')}`;
}

function growthSection(report: Report, growth: Growth): string {
  const works = [...new Set(growth.series.flatMap(({ points }) => points.map(({ work }) => work)))].sort(
    (a, b) => a - b,
  );
  const rows = works.map((work) => [
    formatFigure(work),
    ...growth.series.map(({ points }) => {
      const point = points.find((one) => one.work === work);
      return point ? formatFigure(point.cost) : '';
    }),
  ]);
  return `### ${growth.title}

![${growth.title}](benchmarks/${plotFile(report, growth)})

${markdownTable([growth.work, ...growth.series.map(({ what }) => `${what} (${growth.cost})`)], rows)}
`;
}

function describeGoal({ of, is, value }: Goal, unit: string): string {
  const sign = { 'at least': '≥', 'at most': '≤', below: '<' }[is];
  return of === 'ratio' ? `${sign} ${formatFigure(value)} ×` : `${sign} ${formatFigure(value)} ${unit}`;
}

function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
