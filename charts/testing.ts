import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterObject } from '@kplug/testing/control-plane';
import { parseAllDocuments } from 'yaml';
import { chartsFolder } from '../tools/charts/documents.ts';
import { findHelm } from '../tools/charts/find-helm.ts';
import { helmArguments } from '../tools/charts/helm-arguments.ts';

const run = promisify(execFile);

/** The charts. */
export type ChartName = 'kplug' | 'kplug-plugin';
export const charts: readonly ChartName[] = ['kplug', 'kplug-plugin'];

/** Timeout of a test file's first use of Helm, which may have to be built, in milliseconds. */
export const helmTimeout = 10 * 60_000;

/** Lists the files of values with which a chart is tested. */
export async function valuesFiles(chart: ChartName): Promise<string[]> {
  const folder = join(chartsFolder, chart, 'ci');
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

/** Runs Helm. Returns its standard output; rejects with its error output. */
export async function helm(...args: string[]): Promise<string> {
  const command = await findHelm((message) => console.error(message));
  try {
    return (await run(command, helmArguments(args), { maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`helm ${args[0]}: ${stdout}${stderr}`);
  }
}

/** Renders a chart with a file of values, or with values, as the release `try` in a namespace. */
export async function render(
  chart: ChartName,
  values: string | object,
  namespace = 'default',
): Promise<ClusterObject[]> {
  const template = (file: string) =>
    helm('template', 'try', join(chartsFolder, chart), '--namespace', namespace, '--values', file);
  const output = typeof values === 'string' ? await template(values) : await withFile(values, template);
  return parseAllDocuments(output)
    .map((document) => document.toJS() as ClusterObject | null)
    .filter((object) => object !== null);
}

/** Returns the only object of a kind. */
export function only(objects: readonly ClusterObject[], kind: string): ClusterObject {
  const [object, ...others] = objects.filter((each) => each.kind === kind);
  if (!object || others.length > 0)
    throw new Error(`There are ${object ? others.length + 1 : 0} objects of the kind ${kind}.`);
  return object;
}

async function withFile<T>(values: object, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-values-'));
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
