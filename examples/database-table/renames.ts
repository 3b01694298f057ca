import type { Column, Layout } from './table.ts';

/** Wanted column, with the actual column whose values it takes over; `undefined` if it is new. */
export interface Origin {
  column: Column;
  source: Column | undefined;
  /** True if the wanted renames are a cycle, such as a swap. The names don't tell then that they were made. */
  cyclic: boolean;
}

/** Origins of the wanted columns. */
export interface Origins {
  columns: Origin[];
  /** Actual columns that are no longer wanted. */
  superfluous: Column[];
  /** Renames for which it is unclear whose values the column should have, described for the user. */
  conflicts: string[];
}

/** Rename that was requested and whose former column exists. */
interface Rename {
  column: Column;
  from: Column;
  /** Actual column that has the new name already. */
  occupant: Column | undefined;
}

/**
 * Finds the actual column for each wanted one: by `renamedFrom` until the rename is made, else by name. A name with other capitals is
 * the same name. A rename is made if the new name is free, or becomes free by another rename.
 *
 * `reported` is the last reported layout. A rename that it has is not made again while the former name is wanted, too.
 */
export function findOrigins(wanted: Layout, actual: Layout, reported?: Layout): Origins {
  const conflicts = wanted.columns.flatMap(({ name }) => ambiguity(name, actual));
  // A column that was renamed as wanted keeps its name.
  const isSettled = ({ name, renamedFrom }: Column) =>
    renamedFrom !== undefined && findColumn(name, wanted)?.renamedFrom === renamedFrom;
  const isApplied = ({ column: { name, renamedFrom }, from, occupant }: Rename) =>
    occupant?.renamedFrom === renamedFrom ||
    isSettled(from) ||
    (reported !== undefined &&
      findColumn(name, reported)?.renamedFrom === renamedFrom &&
      findColumn(from.name, wanted) !== undefined);
  const requested = wanted.columns.flatMap((column) => requestOf(column, actual));
  const renames = feasible(requested.filter((rename) => !isApplied(rename)));
  for (const { column, from, occupant } of requested) {
    if (!occupant || renames.some((rename) => rename.column === column)) continue;
    if (findColumn(from.name, wanted)) continue;
    conflicts.push(`Column "${column.name}" is renamed from "${from.name}", but the table has both`);
  }

  const moved = new Set(renames.map(({ from }) => from));
  const columns = wanted.columns.map((column): Origin => {
    const rename = renames.find((other) => other.column === column);
    const cyclic = isCyclic(column, wanted);
    if (rename) return { column, source: rename.from, cyclic };
    const sameName = findColumn(column.name, actual);
    return { column, source: sameName && !moved.has(sameName) ? sameName : undefined, cyclic };
  });
  const sources = new Set(columns.map(({ source }) => source));
  return { columns, superfluous: actual.columns.filter((column) => !sources.has(column)), conflicts };
}

/** Finds a column by name: the one with the same capitals, else the only one with others. */
export function findColumn(name: string, { columns }: Layout): Column | undefined {
  const [first, ...others] = columns.filter((column) => equalNames(column.name, name));
  return columns.find((column) => column.name === name) ?? (others.length === 0 ? first : undefined);
}

function equalNames(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Describes that several columns have a name with other capitals, which PostgreSQL supports. */
function ambiguity(name: string, { columns }: Layout): string[] {
  const similar = columns.filter((column) => equalNames(column.name, name)).map((column) => `"${column.name}"`);
  if (similar.length < 2 || columns.some((column) => column.name === name)) return [];
  return [`Column "${name}" can be any of ${similar.join(', ')}, which differ only in capitals`];
}

function requestOf(column: Column, actual: Layout): Rename[] {
  if (column.renamedFrom === undefined) return [];
  const from = findColumn(column.renamedFrom, actual);
  const occupant = findColumn(column.name, actual);
  return from && from !== occupant ? [{ column, from, occupant }] : [];
}

/** Filters the renames whose new name is free, or becomes free by another of them. */
function feasible(renames: Rename[]): Rename[] {
  const remaining = renames.filter(({ occupant }) => !occupant || renames.some(({ from }) => from === occupant));
  return remaining.length === renames.length ? renames : feasible(remaining);
}

/** Reports whether the former names lead back to the column. */
function isCyclic(start: Column, wanted: Layout): boolean {
  const seen = new Set<Column>();
  let column: Column | undefined = start;
  while (column && !seen.has(column)) {
    seen.add(column);
    column = column.renamedFrom === undefined ? undefined : findColumn(column.renamedFrom, wanted);
  }
  return column === start && seen.size > 1;
}
