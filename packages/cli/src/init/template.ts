import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../version.ts';
import { commandFor, type PackageManager } from './package-manager.ts';
import { type Project, projectTypes } from './project.ts';
import { type Language, type ProjectNames, wordsFor } from './project-names.ts';

/** Directory of the templates, in the sources and in the installed package. */
const templates = fileURLToPath(new URL('../../templates', import.meta.url));

/** Choices that a project depends on. */
export interface ProjectOptions {
  project: Project;
  language: Language;
  packageManager: PackageManager;
}

/** New project. */
export interface ProjectTexts {
  /** Content of the files by their paths. */
  files: Map<string, string>;
  /** Commands to run next, in the folder of the project. */
  next: string[];
}

/** Returns the files of a new project, and the next commands. */
export async function projectTexts(
  { project, language, packageManager }: ProjectOptions,
  names: ProjectNames,
): Promise<ProjectTexts> {
  const type = projectTypes[project];
  const own = parse(await readFile(join(templates, type.values(language)), 'utf8')) as Record<string, string>;
  // Values of the language may contain other placeholders.
  const words = { ...own, ...wordsFor(names), KPLUG_VERSION: version };
  const files = new Map<string, string>();
  const folders = [...type.templates(language)];
  if (type.isNode(language) && packageManager !== 'npm') folders.push(`package-managers/${packageManager}`);
  for (const folder of folders) {
    for (const path of await listFiles(join(templates, folder))) {
      const text = await readFile(join(templates, folder, path), 'utf8');
      files.set(withDots(path), fill(text, words));
    }
  }
  const next = fill('__NEXT__', words).trim().split('\n');
  return { files, next: next.map((command) => commandFor(packageManager, command)) };
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  // Without `recursive`, as Yarn's file system of archives doesn't list folders so.
  const paths = entries.map(async (entry) => {
    if (!entry.isDirectory()) return [entry.name];
    const below = await listFiles(join(folder, entry.name));
    return below.map((path) => join(entry.name, path));
  });
  return (await Promise.all(paths)).flat().sort();
}

/** Restores leading dots. Templates use `dot-…`, as npm omits some files with a leading dot from packages. */
function withDots(path: string): string {
  return path.replaceAll(/(^|[\\/])dot-/g, '$1.');
}

function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replaceAll(/__([A-Z]+(?:_[A-Z]+)*)__/g, (_, word: string) => {
    const meaning = words[word];
    if (meaning === undefined) throw new Error(`unknown placeholder ${word} in a template`);
    return fill(meaning, words);
  });
}
