import { findResources } from '../input/find-resources.ts';
import { readResources } from '../input/read-resources.ts';
import { readResourceName } from '../input/resource-name.ts';
import type { ClusterChoice } from '../operator/cluster-choice.ts';
import { formatDocument } from '../output/document.ts';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug get`. */
export interface GetOptions extends ClusterChoice {
  namespace?: string;
  allNamespaces?: boolean;
  output: 'table' | 'wide' | 'yaml' | 'json';
  manifests?: string;
}

/** Prints the resources of a kind, or one of them. @param target `KIND` or `KIND/NAME` */
export async function get(target: string, name: string | undefined, options: GetOptions, terminal: Terminal) {
  const { output, allNamespaces = false } = options;
  const wanted = readResourceName(target, name);
  const {
    resources,
    problems,
    held,
    namespace: defaultNamespace,
    ...read
  } = await readResources({ ...options, kind: wanted.kind });
  for (const problem of problems) terminal.say(`${terminal.errorColors.yellow('warning:')} ${problem}`);
  const namespace = allNamespaces ? undefined : (options.namespace ?? defaultNamespace);
  const { resources: found, elsewhere } = findResources(resources, { ...wanted, ...read, namespace });
  if (output === 'yaml' || output === 'json') {
    const [only] = wanted.name !== undefined && found.length === 1 ? found : [];
    terminal.print(formatDocument(only ?? { apiVersion: 'v1', kind: 'List', items: found }, output));
  } else if (found.length === 0) {
    const where = namespace === undefined ? 'any namespace' : `the namespace ${namespace}`;
    const others = elsewhere > 0 ? `; ${elsewhere} in other namespaces: add -A` : '';
    terminal.say(`No ${wanted.kind} in ${where}${others}.`);
  } else {
    const { colors } = terminal;
    const content = resourceTable(found, { wide: output === 'wide', allNamespaces, held, colors, now: Date.now() });
    terminal.print(formatTable(content, colors));
  }
}
