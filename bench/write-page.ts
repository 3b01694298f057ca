import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type Machine, type MeasuredReport, page, plotFile } from './page.ts';
import { plot } from './plot.ts';
import type { Report } from './report.ts';

/**
 * Writes the page of all reports, new and existing, into a folder: `benchmarks.md`, and in `benchmarks` the plots and the data of the
 * reports, so that each scenario can be measured again without the others. Returns the path of the page.
 *
 * @param order names of all reports, in the order of the page.
 */
export async function writePage(folder: string, reports: readonly Report[], order: readonly string[]): Promise<string> {
  const beside = join(folder, 'benchmarks');
  await mkdir(beside, { recursive: true });
  const files = await readdir(beside);
  for (const report of reports) {
    for (const file of files) if (file.startsWith(`${report.name}-`)) await rm(join(beside, file));
    for (const growth of report.growth) await writeFile(join(beside, plotFile(report, growth)), plot(growth));
    const measured: MeasuredReport = { report, machine: thisMachine() };
    await writeFile(join(beside, `${report.name}.json`), `${JSON.stringify(measured, null, 2)}\n`);
  }
  const kept = order.map((name) => join(beside, `${name}.json`)).filter((file) => existsSync(file));
  const measured = await Promise.all(kept.map(async (file) => JSON.parse(await readFile(file, 'utf8'))));
  const path = join(folder, 'benchmarks.md');
  await writeFile(path, page(measured as MeasuredReport[]));
  return path;
}

function thisMachine(): Machine {
  const date = new Date().toISOString().slice(0, 10);
  const [{ model = 'an unknown processor' } = {}] = cpus();
  return { date, cores: cpus().length, model: model.trim(), node: process.versions.node };
}
