import { parseArgs } from 'node:util';
import { comparisonRow } from './page.ts';
import type { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { capabilities } from './scenarios/capabilities.ts';
import { directory } from './scenarios/directory.ts';
import { failover } from './scenarios/failover.ts';
import { heartbeats } from './scenarios/heartbeats.ts';
import { kubernetes } from './scenarios/kubernetes.ts';
import { operatorPage } from './scenarios/operator-page.ts';
import { passes } from './scenarios/passes.ts';
import { registry } from './scenarios/registry.ts';
import { selection } from './scenarios/selection.ts';
import { start } from './scenarios/start.ts';
import { trust } from './scenarios/trust.ts';
import { writePage } from './write-page.ts';

const scenarios: readonly Scenario[] = [
  heartbeats,
  trust,
  selection,
  passes,
  registry,
  failover,
  start,
  directory,
  kubernetes,
  capabilities,
  operatorPage,
];

const help = `pnpm bench [scenario…] [--quick] [--write FOLDER]

  Measures Kplug and its peers: ${scenarios.map(({ name }) => name).join(', ')}.
  Updates docs/benchmarks.md, its plots and its data for the measured scenarios.

  --quick          run every part briefly; the figures are not significant, and are written only with --write
  --write FOLDER   write the page into another folder
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, write: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});

const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (flags.help) {
  process.stdout.write(help);
} else if (unknown.length > 0) {
  process.stderr.write(`unknown scenario ${unknown.join(', ')}\n\n${help}`);
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
  const folder = flags.write ?? (flags.quick ? undefined : new URL('../docs', import.meta.url).pathname);
  if (!folder) return;
  const names = scenarios.map(({ name }) => name);
  console.log(`\nwritten to ${await writePage(folder, reports, names)}`);
}
