import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../version.ts';
import { type Language, type PluginNames, wordsFor } from './plugin-names.ts';

/** The templates, of this package's sources as of what is installed. */
const templates = fileURLToPath(new URL('../../templates/plugin', import.meta.url));

/** The files of a new plugin, by their paths in its folder. */
export async function pluginFiles(language: Language, names: PluginNames): Promise<Map<string, string>> {
  const own = parse(await readFile(join(templates, `${language}.yaml`), 'utf8')) as Record<string, string>;
  // The language's words may have others in them.
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

/** Names that begin with a dot are kept as `dot-…`, as npm leaves some of them out of packages. */
function withDots(path: string): string {
  return path.replaceAll(/(^|[\\/])dot-/g, '$1.');
}

function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replaceAll(/__([A-Z]+(?:_[A-Z]+)*)__/g, (_, word: string) => {
    const meaning = words[word];
    if (meaning === undefined) throw new Error(`nothing is said of the word ${word} of a template`);
    return fill(meaning, words);
  });
}
