import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { comparisonRow, page, plotFile } from './page.ts';
import { plot } from './plot.ts';
import type { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { failover } from './scenarios/failover.ts';
import { heartbeats } from './scenarios/heartbeats.ts';
import { kubernetes } from './scenarios/kubernetes.ts';
import { passes } from './scenarios/passes.ts';
import { registry } from './scenarios/registry.ts';
import { selection } from './scenarios/selection.ts';
import { start } from './scenarios/start.ts';

const scenarios: readonly Scenario[] = [heartbeats, selection, passes, registry, failover, start, kubernetes];

const help = `pnpm bench [scenario…] [--quick] [--write FOLDER]

  Measures Kplug beside its peers: ${scenarios.map(({ name }) => name).join(', ')}.
  All of them, without --quick, also write docs/benchmarks.md and its plots.

  --quick          only so much that every part runs; the figures mean little
  --write FOLDER   write the page there instead, whatever was measured
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, write: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});

const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (flags.help) {
  process.stdout.write(help);
} else if (unknown.length > 0) {
  process.stderr.write(`there is no scenario ${unknown.join(', ')}\n\n${help}`);
  process.exitCode = 2;
} else {
  await measure();
}

async function measure(): Promise<void> {
  const wanted = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const reports: Report[] = [];
  for (const scenario of wanted) {
    const startedAt = performance.now();
    const progress = (doing: string) => console.error(`${scenario.name}: ${doing}`);
    const report = await scenario.run({ quick: flags.quick ?? false, progress });
    reports.push(report);
    console.log(`\n${report.title} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
    for (const row of report.comparisons.map(comparisonRow)) console.log(`  ${row.filter(Boolean).join(' · ')}`);
    for (const note of report.notes) console.log(`  ${note}`);
  }
  const isWhole = wanted.length === scenarios.length && !flags.quick;
  if (flags.write) await write(flags.write, reports);
  else if (isWhole) await write(new URL('../docs', import.meta.url).pathname, reports);
}

async function write(folder: string, reports: readonly Report[]): Promise<void> {
  const plots = `${folder}/benchmarks`;
  await mkdir(plots, { recursive: true });
  for (const file of await readdir(plots)) if (file.endsWith('.svg')) await rm(`${plots}/${file}`);
  for (const report of reports) {
    for (const growth of report.growth) await writeFile(`${plots}/${plotFile(report, growth)}`, plot(growth));
  }
  const date = new Date().toISOString().slice(0, 10);
  const [{ model = 'an unknown processor' } = {}] = cpus();
  const machine = { date, cores: cpus().length, model: model.trim(), node: process.versions.node };
  await writeFile(`${folder}/benchmarks.md`, page(reports, machine));
  console.log(`\nwritten to ${folder}/benchmarks.md`);
}
