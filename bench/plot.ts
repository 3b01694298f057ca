import type { Growth, Series } from './report.ts';

const width = 640;
const height = 320;
const margin = { left: 84, right: 24, top: 24, bottom: 56 };

/** Colors of the lines, readable on light and dark backgrounds. Lines of peers are also dashed. */
const colours = ['#2f81f7', '#e5534b', '#3fa34d', '#b083f0', '#d29922', '#768390'];

/** Axis of a plot. */
interface Axis {
  place(value: number): number;
  ticks: number[];
}

/** Plots the cost over the work as SVG. The axis of the work is logarithmic. */
export function plot({ title, work, cost, scale, series, goal }: Growth): string {
  const points = series.flatMap((line) => line.points);
  const costs = [...points.map((point) => point.cost), ...(goal ? [goal.value] : [])];
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const x = logarithmic(
    points.map((point) => point.work),
    margin.left,
    right,
  );
  const y = (scale === 'logarithmic' ? logarithmic : linear)(costs, bottom, margin.top);
  const legendHeight = 20 * (series.length + (goal ? 1 : 0));
  const parts = [
    ...y.ticks.map((tick) => gridLine(margin.left, right, y.place(tick), format(tick))),
    ...x.ticks.map((tick) => text(x.place(tick), bottom + 20, format(tick), 'middle')),
    text((margin.left + right) / 2, bottom + 42, work, 'middle'),
    `<text class="label" transform="translate(18 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(cost)}</text>`,
    ...series.map((line, index) => drawLine(line, index, x, y)),
    ...(goal ? [`<path class="goal" d="M${margin.left} ${round(y.place(goal.value))}H${right}"/>`] : []),
    ...series.map((line, index) => legend(height + 8 + 20 * index, line.what, colourOf(index), line.isPeer)),
    ...(goal ? [legend(height + 8 + 20 * series.length, goal.what, '#768390', true)] : []),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + legendHeight + 8}" role="img" aria-label="${escapeXml(title)}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .grid { stroke: #8c959f; stroke-opacity: 0.3 }
  .goal { stroke: #768390; stroke-dasharray: 2 4; fill: none }
  .line { fill: none; stroke-width: 2 }
  .peer { stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) { text { fill: #adbac7 } }
</style>
${parts.join('\n')}
</svg>
`;
}

function drawLine({ points, isPeer }: Series, index: number, x: Axis, y: Axis): string {
  const colour = colourOf(index);
  const places = points.map(({ work, cost }) => [round(x.place(work)), round(y.place(cost))] as const);
  const path = places.map(([left, top], step) => `${step === 0 ? 'M' : 'L'}${left} ${top}`).join('');
  const dots = places.map(([left, top]) => `<circle cx="${left}" cy="${top}" r="3.5" fill="${colour}"/>`);
  return [`<path class="line${isPeer ? ' peer' : ''}" stroke="${colour}" d="${path}"/>`, ...dots].join('\n');
}

function legend(top: number, what: string, colour: string, dashed: boolean): string {
  const line = `<path class="line${dashed ? ' peer' : ''}" stroke="${colour}" d="M${margin.left} ${top}h28"/>`;
  return `${line}\n${text(margin.left + 36, top + 4, what, 'start')}`;
}

function gridLine(from: number, to: number, top: number, label: string): string {
  return `<path class="grid" d="M${from} ${round(top)}H${to}"/>\n${text(from - 8, top + 4, label, 'end')}`;
}

function text(left: number, top: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(left)}" y="${round(top)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function logarithmic(values: readonly number[], start: number, end: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const ticks = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step));
  return { place: (value) => start + ((Math.log10(value) - low) / (high - low)) * (end - start), ticks };
}

function linear(values: readonly number[], start: number, end: number): Axis {
  const most = Math.max(...values) * 1.1;
  const magnitude = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => most / size <= 5) ?? magnitude * 10;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return { place: (value) => start + (value / most) * (end - start), ticks };
}

function colourOf(index: number): string {
  return colours[index % colours.length] ?? '#768390';
}

function format(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}
