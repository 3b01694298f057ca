import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../version.ts';
import { type Project, projectTypes } from './project.ts';
import { type Language, type ProjectNames, wordsFor } from './project-names.ts';

/** Directory of the templates, in the sources and in the installed package. */
const templates = fileURLToPath(new URL('../../templates', import.meta.url));

/** New project. */
export interface ProjectTexts {
  /** Content of the files by their paths. */
  files: Map<string, string>;
  /** Commands to run next, in the folder of the project. */
  next: string[];
}

/** Returns the files of a new project, and the next commands. */
export async function projectTexts(project: Project, language: Language, names: ProjectNames): Promise<ProjectTexts> {
  const type = projectTypes[project];
  const own = parse(await readFile(join(templates, type.values(language)), 'utf8')) as Record<string, string>;
  // Values of the language may contain other placeholders.
  const words = { ...own, ...wordsFor(names), KPLUG_VERSION: version };
  const files = new Map<string, string>();
  for (const folder of type.templates(language)) {
    for (const path of await listFiles(join(templates, folder))) {
      const text = await readFile(join(templates, folder, path), 'utf8');
      files.set(withDots(path), fill(text, words));
    }
  }
  return { files, next: fill('__NEXT__', words).trim().split('\n') };
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).sort();
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
