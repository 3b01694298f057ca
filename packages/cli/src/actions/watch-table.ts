import { keyOf, type Resource, type ResourceKey } from '@kplug/controller';
import type { PrintedTable } from '@kplug/controller/tools';
import { repeatUntilInterrupted } from '../input/interruption.ts';
import type { LiveState } from '../input/read-live-states.ts';
import { type ResourceTableOptions, resourceTable } from '../output/resource-table.ts';
import { formatTable } from '../output/table.ts';
import type { Colors, Terminal } from '../output/terminal.ts';

/** Interval at which the resources are read again, in milliseconds. */
const interval = 1_000;

/** Columns that change with time alone. */
const ageColumns: ReadonlySet<string> = new Set(['AGE', 'LAST SEEN', 'FIRST SEEN']);

/** Resources as they were read. */
interface ReadTable {
  found: readonly Resource[];
  held: ReadonlySet<string>;
  live: ReadonlyMap<ResourceKey, LiveState>;
  printed: PrintedTable | undefined;
}

interface TableChoice {
  output: string;
  allNamespaces?: boolean;
}

/** Returns the options of the table of resources. */
export function tableOptions(
  { held, live, printed }: ReadTable,
  { output, allNamespaces = false }: TableChoice,
  colors: Colors,
): ResourceTableOptions {
  return { wide: output === 'wide', allNamespaces, held, live, printed, colors, now: Date.now() };
}

/** Prints a table, and then each row that is new or changed, apart from its age, until SIGINT or SIGTERM. */
export async function watchTable(
  read: () => Promise<ReadTable>,
  choice: TableChoice,
  { colors, print }: Pick<Terminal, 'colors' | 'print'>,
): Promise<void> {
  let printed: ReadonlyMap<ResourceKey, string> = new Map();
  let isFirst = true;
  await repeatUntilInterrupted(interval, async () => {
    const table = await read();
    const content = resourceTable(table.found, tableOptions(table, choice, colors));
    const [header = '', ...lines] = formatTable(content, colors).split('\n');
    const ages = content.header.map((name) => ageColumns.has(name));
    const rows = new Map<ResourceKey, string>();
    for (const [index, resource] of table.found.entries()) {
      const key = keyOf(resource);
      rows.set(key, JSON.stringify(content.rows[index]?.filter((_, column) => !ages[column])));
      if (isFirst && table.found.length > 0) print(header);
      isFirst &&= table.found.length === 0;
      if (rows.get(key) !== printed.get(key)) print(lines[index] ?? '');
    }
    printed = rows;
  });
}
