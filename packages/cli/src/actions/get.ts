import { CommandError } from '../command-error.ts';
import { findResources } from '../input/find-resources.ts';
import { readResources } from '../input/read-resources.ts';
import type { ClusterChoice } from '../operator/cluster-choice.ts';
import { formatDocument } from '../output/document.ts';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Which resources are shown, and how. */
export interface GetOptions extends ClusterChoice {
  namespace?: string;
  allNamespaces?: boolean;
  output: 'table' | 'wide' | 'yaml' | 'json';
  manifests: string;
}

/** Prints resources of a directory or a cluster: all of a kind, or the one that is named, also as `KIND/NAME`. */
export async function get(kindOrBoth: string, name: string | undefined, options: GetOptions, terminal: Terminal) {
  const { output, allNamespaces = false } = options;
  const target = readTarget(kindOrBoth, name);
  const { resources, problems, namespace: home, ...read } = await readResources({ ...options, kind: target.kind });
  for (const problem of problems) terminal.say(`${terminal.errorColors.yellow('warning:')} ${problem}`);
  const namespace = allNamespaces ? undefined : (options.namespace ?? home);
  const { resources: found, elsewhere } = findResources(resources, { ...target, ...read, namespace });
  if (output === 'yaml' || output === 'json') {
    const [only] = target.name !== undefined && found.length === 1 ? found : [];
    terminal.print(formatDocument(only ?? { apiVersion: 'v1', kind: 'List', items: found }, output));
  } else if (found.length === 0) {
    const where = namespace === undefined ? 'any namespace' : `the namespace ${namespace}`;
    const others = elsewhere > 0 ? `; ${elsewhere} in others: add -A` : '';
    terminal.say(`No ${target.kind} is in ${where}${others}.`);
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
