import { type Comparison, type Goal, type Growth, isMet, type Report } from './report.ts';

/** Machine and date of a measurement. */
export interface Machine {
  date: string;
  cores: number;
  model: string;
  node: string;
}

/** A report and where it was measured. */
export interface MeasuredReport {
  report: Report;
  machine: Machine;
}

/** Page of all reports, in Markdown. Plots and data are beside it, as `benchmarks/<report>-<plot>.svg` and `benchmarks/<report>.json`. */
export function page(measured: readonly MeasuredReport[]): string {
  const machines = new Set(measured.map(({ machine }) => describeMachine(machine)));
  const [shared = ''] = machines.size === 1 ? machines : [];
  return `# Benchmarks

Measured by \`npx -y pnpm@12 bench\`${shared && ` ${shared}`}.
Each figure is shown with that of a peer, measured alternately in the same run. Machines and their load differ, so the ratios are more
significant than the figures. The data of the plots is in [\`benchmarks/\`](benchmarks).

${measured.map((one) => section(one, !shared)).join('\n\n')}
`;
}

/** File name of a plot. */
export function plotFile(report: Report, growth: Growth): string {
  return `${report.name}-${growth.name}.svg`;
}

/** A figure with its significant digits. */
export function formatFigure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value >= 1_000 ? 4 : 3 });
}

/** A comparison as a row of a table. */
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

function section({ report, machine }: MeasuredReport, namesMachine: boolean): string {
  const table = markdownTable(
    ['measurement', 'figure', 'peer', 'ratio', 'goal', 'result'],
    report.comparisons.map(comparisonRow),
  );
  const plots = report.growth.map((growth) => `![${growth.title}](benchmarks/${plotFile(report, growth)})`);
  const intro = namesMachine ? [`Measured ${describeMachine(machine)}.`] : [];
  return [`## ${report.title}`, report.method, ...intro, table, ...report.notes, ...plots].join('\n\n');
}

function describeMachine({ date, cores, model, node }: Machine): string {
  return `on ${date}, on ${cores} cores of ${model}, with Node.js ${node}`;
}

function describeGoal({ of, is, value }: Goal, unit: string): string {
  const sign = { 'at least': '≥', 'at most': '≤', below: '<' }[is];
  return of === 'ratio' ? `${sign} ${formatFigure(value)} ×` : `${sign} ${formatFigure(value)} ${unit}`;
}

function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
