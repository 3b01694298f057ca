import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Layers of the controller: each folder with those that it may import, as in `.dependency-cruiser.mjs`. */
export type Layers = Readonly<Record<string, readonly string[]>>;

/** Page that the check is about, from the top of the repository. */
export const architecturePage = 'docs/architecture.md';

const controllerSource = 'packages/controller/src';

/**
 * Differences between the tables of `docs/architecture.md` and the tree, each as a sentence:
 *
 * - every folder of the controller's sources and every package has one row, and every row names an existing one;
 * - the folders are in the order of the layers, each below all that it may import;
 * - exactly one file of each folder begins with the folder's row: `// registry/: the plugins known now: …`.
 */
export function architectureProblems(repository: string, layers: Layers): string[] {
  const page = readFileSync(join(repository, architecturePage), 'utf8');
  const folders = tableRows(page, `../${controllerSource}/`);
  const packages = tableRows(page, '../packages/');
  return [
    ...differences('folder', foldersIn(join(repository, controllerSource)), folders),
    ...differences('package', foldersIn(join(repository, 'packages')), packages),
    ...misplaced(layers, [...folders.keys()]),
    ...[...folders].flatMap(([folder, sentence]) => headingProblems(repository, folder, sentence)),
  ];
}

/** Rows of tables whose first cell links to a folder directly below `target`: the folder's name and the second cell. */
function tableRows(page: string, target: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const [, link = '', sentence = ''] of page.matchAll(/^\| \[[^\]]+\]\(([^)]+)\) \| (.+) \|$/gm)) {
    const name = link.startsWith(target) ? link.slice(target.length) : '';
    if (name && !name.includes('/')) rows.set(name, sentence);
  }
  return rows;
}

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function differences(kind: string, existing: readonly string[], rows: ReadonlyMap<string, string>): string[] {
  const missing = existing.filter((name) => !rows.has(name)).sort();
  const unknown = [...rows.keys()].filter((name) => !existing.includes(name));
  return [
    ...missing.map((name) => `${architecturePage}: the ${kind} ${name} has no row; add one`),
    ...unknown.map((name) => `${architecturePage}: the ${kind} ${name} does not exist; remove its row`),
  ];
}

function misplaced(layers: Layers, rows: readonly string[]): string[] {
  const layered = Object.keys(layers);
  const unlisted = rows.filter((name) => !layered.includes(name));
  if (unlisted.length > 0)
    return [`.dependency-cruiser.mjs: ${unlisted.join(', ')} has no layer; add it to controllerLayers`];
  const expected = [...rows].sort((a, b) => layered.indexOf(a) - layered.indexOf(b));
  const problems = expected.every((name, index) => name === rows[index])
    ? []
    : [`${architecturePage}: the folders must be in the order of .dependency-cruiser.mjs: ${expected.join(', ')}`];
  for (const [index, name] of layered.entries()) {
    const above = (layers[name] ?? []).filter((other) => layered.indexOf(other) > index);
    if (above.length > 0)
      problems.push(`.dependency-cruiser.mjs: ${name} may import ${above.join(', ')}; list it below that`);
  }
  return problems;
}

function headingProblems(repository: string, folder: string, sentence: string): string[] {
  const path = join(repository, controllerSource, folder);
  const start = `// ${folder}/: `;
  const headings = globSync('*.ts', { cwd: path }).flatMap((file) => {
    const [line = ''] = readFileSync(join(path, file), 'utf8').split('\n', 1);
    return line.startsWith(start)
      ? [{ file: relative(repository, join(path, file)), text: line.slice(start.length) }]
      : [];
  });
  const [heading, second] = headings;
  if (!heading)
    return [`${controllerSource}/${folder}: no file begins with "${start}${sentence}"; add that line to its main file`];
  if (second) return [`${heading.file} and ${second.file} both begin with "${start}"; keep the line in one of them`];
  if (heading.text === sentence) return [];
  return [
    `${heading.file} begins with "${heading.text}", but ${architecturePage} says "${sentence}"; make them the same`,
  ];
}
