import { parseKey } from '@kplug/controller';
import { formatProblem, readDirectory } from '@kplug/controller/directory';
import { findReadDirectories } from '../input/find-manifests.ts';
import { deletionTable } from '../output/deletion-table.ts';
import { formatDocument } from '../output/document.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug manifests show`. */
export interface ShowManifestsOptions {
  manifests?: string;
  stateDir?: string;
  output: 'text' | 'json' | 'yaml';
}

/** Prints the problems of a manifest directory, and the deletions of resources that no file defines. */
export async function showManifests({ output, ...given }: ShowManifestsOptions, terminal: Terminal): Promise<void> {
  const { manifests: directory, ...states } = await findReadDirectories(given);
  const { resources, problems, deletions, isHeld } = await readDirectory(directory, states);
  if (output !== 'text') {
    const pending = deletions.map(({ key, uid, source }) => ({ ...parseKey(key), uid, file: source }));
    const content = { directory, resources: resources.length, problems, held: isHeld, deletions: pending };
    terminal.print(formatDocument(content, output));
    return;
  }
  const { colors } = terminal;
  terminal.print(`${countOf(resources.length, 'resource')} in ${directory}`);
  if (problems.length > 0) terminal.print(`\n${colors.bold('Problems')}`);
  for (const problem of problems) terminal.print(formatProblem(problem));
  if (deletions.length === 0) return;
  const title = isHeld ? 'Held deletions' : 'Deletions that need no confirmation';
  terminal.print(`\n${colors.bold(title)}\n${formatTable(deletionTable(deletions), colors)}`);
}

/** Formats a count: `1 resource`, `2 resources`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
