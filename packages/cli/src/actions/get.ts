import { formatProblem, readDirectory } from '@kplug/controller';
import { CommandError } from '../command-error.ts';
import { findResources } from '../find-resources.ts';
import { formatDocument } from '../output/document.ts';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Which resources are shown, and how. */
export interface GetOptions {
  namespace: string;
  allNamespaces?: boolean;
  output: 'table' | 'wide' | 'yaml' | 'json';
  manifests: string;
}

/** Prints resources of a directory: all of a kind, or the one that is named, also as `KIND/NAME`. */
export async function get(kindOrBoth: string, name: string | undefined, options: GetOptions, terminal: Terminal) {
  const { manifests: directory, output, allNamespaces = false } = options;
  const target = readTarget(kindOrBoth, name);
  const { resources, problems } = await readDirectory(directory);
  for (const problem of problems) {
    terminal.say(`${terminal.errorColors.yellow('warning:')} ${formatProblem(problem)}`);
  }
  const namespace = allNamespaces ? undefined : options.namespace;
  const { resources: found, elsewhere } = findResources(resources, { ...target, namespace, directory });
  if (output === 'yaml' || output === 'json') {
    const [only] = target.name !== undefined && found.length === 1 ? found : [];
    terminal.print(formatDocument(only ?? { apiVersion: 'v1', kind: 'List', items: found }, output));
  } else if (found.length === 0) {
    terminal.say(`No ${target.kind} is in the namespace ${options.namespace}; ${elsewhere} in others: add -A.`);
  } else {
    const { colors } = terminal;
    const content = resourceTable(found, { wide: output === 'wide', allNamespaces, colors, now: Date.now() });
    terminal.print(formatTable(content, colors));
  }
}

function readTarget(kindOrBoth: string, name: string | undefined): { kind: string; name: string | undefined } {
  const slash = kindOrBoth.indexOf('/');
  if (slash < 0) return { kind: kindOrBoth, name };
  if (name === undefined) return { kind: kindOrBoth.slice(0, slash), name: kindOrBoth.slice(slash + 1) };
  throw new CommandError('usage', `a name is given twice, in "${kindOrBoth}" and as "${name}"; leave one out`);
}
