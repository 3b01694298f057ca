import { CommandError } from '../command-error.ts';
import type { ProjectChoice } from '../init/ask.ts';
import { requireEmpty, writeNewFiles } from '../init/new-folder.ts';
import { currentPackageManager } from '../init/package-manager.ts';
import { checkNames, completeNames } from '../init/project-names.ts';
import { shellWord } from '../init/shell-word.ts';
import { projectTexts } from '../init/template.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug init` and its subcommands. */
export interface InitOptions extends Omit<ProjectChoice, 'folder'> {
  yes?: boolean;
}

/** Creates a project. Asks on a terminal for missing options. Rejects when a file would be overwritten. */
export async function initProject(
  given: string | undefined,
  { yes = false, ...options }: InitOptions,
  terminal: Terminal,
): Promise<void> {
  checkNames(options);
  if (options.project === 'operator' && options.language) {
    throw new CommandError('usage', 'operators are in TypeScript; --language is for plugins');
  }
  if (given !== undefined) await requireEmpty(given);
  const choice = await complete({ ...options, folder: given }, yes);
  const { project = 'plugin', folder = '.', language = 'typescript', ...rest } = choice;
  await requireEmpty(folder);
  const names = completeNames(rest, folder);
  const { files, next } = await projectTexts({ project, language, packageManager: currentPackageManager() }, names);
  await writeNewFiles(folder, files);
  for (const path of [...files.keys()].sort()) terminal.print(path);
  const place = folder === '.' ? 'the current directory' : folder;
  terminal.say(`created the ${project} ${names.name} with ${files.size} files in ${place}; README.md describes them\n`);
  terminal.say('Next:');
  const enter = folder === '.' ? [] : [`cd ${shellWord(folder)}`];
  for (const command of [...enter, ...next]) terminal.say(`  ${command}`);
}

async function complete(choice: ProjectChoice, yes: boolean): Promise<ProjectChoice> {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return choice;
  const { ask } = await import('../init/ask.ts');
  return await ask(choice, { input: process.stdin, output: process.stderr });
}
