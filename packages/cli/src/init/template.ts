import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../version.ts';
import { type Language, type PluginNames, wordsFor } from './plugin-names.ts';

/** Directory of the templates, in the sources and in the installed package. */
const templates = fileURLToPath(new URL('../../templates/plugin', import.meta.url));

/** Returns the files of a new plugin by their paths. */
export async function pluginFiles(language: Language, names: PluginNames): Promise<Map<string, string>> {
  const own = parse(await readFile(join(templates, `${language}.yaml`), 'utf8')) as Record<string, string>;
  // Values of the language may contain other placeholders.
  const words = { ...own, ...wordsFor(names), KPLUG_VERSION: version };
  const files = new Map<string, string>();
  for (const folder of ['shared', language]) {
    for (const path of await listFiles(join(templates, folder))) {
      const text = await readFile(join(templates, folder, path), 'utf8');
      files.set(withDots(path), fill(text, words));
    }
  }
  return files;
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
