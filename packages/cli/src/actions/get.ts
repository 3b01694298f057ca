import { keyOf, type Resource, type ResourceKey } from '@kplug/controller';
import { describeKey } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { findResources } from '../input/find-resources.ts';
import type { LiveState } from '../input/read-live-states.ts';
import { readResources } from '../input/read-resources.ts';
import { type ResourceName, readResourceName } from '../input/resource-name.ts';
import type { ClusterChoice } from '../operator/cluster-choice.ts';
import { isOutdated } from '../output/delegated-status.ts';
import { formatDocument } from '../output/document.ts';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable, plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { tableOptions, watchTable } from './watch-table.ts';

/** Options of `kplug get`. */
export interface GetOptions extends ClusterChoice {
  namespace?: string;
  allNamespaces?: boolean;
  output: 'table' | 'wide' | 'yaml' | 'json';
  watch?: boolean;
  manifests?: string;
  stateDir?: string;
}

/** Prints the resources of a kind, or one of them. @param target `KIND` or `KIND/NAME` */
export async function get(target: string, name: string | undefined, options: GetOptions, terminal: Terminal) {
  const { output, watch = false } = options;
  const isTable = output === 'table' || output === 'wide';
  if (watch && !isTable) throw new CommandError('usage', `--watch prints a table; remove -o ${output}`);
  const wanted = readResourceName(target, name);
  if (watch) return watchTable(() => readWanted(wanted, options), options, terminal);
  const read = await readWanted(wanted, options);
  const { found } = read;
  for (const warning of [...read.problems, ...outdated(found, read.live)]) {
    terminal.say(`${terminal.errorColors.yellow('warning:')} ${warning}`);
  }
  if (!isTable) {
    const [only] = wanted.name !== undefined && found.length === 1 ? found : [];
    terminal.print(formatDocument(only ?? { apiVersion: 'v1', kind: 'List', items: found }, output));
  } else if (found.length === 0) {
    terminal.say(describeNone(wanted, read));
  } else {
    const { colors } = terminal;
    terminal.print(formatTable(resourceTable(found, tableOptions(read, options, colors)), colors));
  }
}

function describeNone(
  { kind }: ResourceName,
  { namespace, elsewhere }: { namespace: string | undefined; elsewhere: number },
): string {
  const where = namespace === undefined ? 'any namespace' : `the namespace ${namespace}`;
  const others = elsewhere > 0 ? `; ${elsewhere} in other namespaces: add -A` : '';
  return `No ${kind} in ${where}${others}.`;
}

/** Reads the resources that the command line asks for. */
async function readWanted(wanted: ResourceName, options: GetOptions) {
  const printed = options.output === 'table' || options.output === 'wide';
  const choice = { ...options, kind: wanted.kind, printed };
  const { resources, namespace: defaultNamespace, ...read } = await readResources(choice);
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? defaultNamespace);
  const { resources: found, elsewhere } = findResources(resources, { ...wanted, ...read, namespace });
  return { ...read, found, elsewhere, namespace };
}

/** Largest number of resources that are named in warnings. */
const maxWarnings = 3;

/** Returns warnings about statuses that differ from what the operator has in memory. */
function outdated(found: readonly Resource[], live: ReadonlyMap<ResourceKey, LiveState>): string[] {
  const warnings = found.flatMap((resource) => {
    const state = live.get(keyOf(resource));
    if (!state || !isOutdated(resource, state)) return [];
    return [
      `the stored status of ${describeKey(keyOf(resource))} is out of date; the operator has ${state.reason}: ${plain(state.message)}`,
    ];
  });
  const more = warnings.length - maxWarnings;
  const rest = more > 0 ? [`${more} more stored statuses are out of date`] : [];
  return [...warnings.slice(0, maxWarnings), ...rest];
}
