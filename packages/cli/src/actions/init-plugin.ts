import { join } from 'node:path';
import type { PluginChoice } from '../init/ask.ts';
import { requireEmpty, writeNewFiles } from '../init/new-folder.ts';
import { checkNames, completeNames } from '../init/plugin-names.ts';
import { pluginFiles } from '../init/template.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug init plugin`. */
export interface InitPluginOptions extends Omit<PluginChoice, 'folder'> {
  yes?: boolean;
}

/** Creates a plugin project. Asks on a terminal for missing options. Rejects when a file would be overwritten. */
export async function initPlugin(
  given: string | undefined,
  { yes = false, ...options }: InitPluginOptions,
  terminal: Terminal,
): Promise<void> {
  checkNames(options);
  if (given !== undefined) await requireEmpty(given);
  const { folder = '.', language = 'typescript', ...rest } = await complete({ ...options, folder: given }, yes);
  await requireEmpty(folder);
  const names = completeNames(rest, folder);
  const files = await pluginFiles(language, names);
  await writeNewFiles(folder, files);
  for (const path of [...files.keys()].sort()) terminal.print(path);
  terminal.say(`created ${names.name} with ${files.size} files; next steps are in ${join(folder, 'README.md')}`);
}

async function complete(choice: PluginChoice, yes: boolean): Promise<PluginChoice> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return choice;
  const { ask } = await import('../init/ask.ts');
  return await ask(choice, { input: process.stdin, output: process.stderr });
}
