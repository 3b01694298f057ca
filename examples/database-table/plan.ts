import { terminal } from '@kplug/sdk';
import { findOrigins, type Origin } from './renames.ts';
import type { Column, Layout } from './table.ts';

/** Change from the actual to the wanted table. */
export type Change =
  /** `values` is the number of values that are not NULL, once counted. */
  | { kind: 'dropColumn'; name: string; type: string; values?: number }
  /** `cyclic` if the database must record the rename, as the names don't tell that it was made. Also below. */
  | { kind: 'renameColumn'; name: string; from: string; cyclic: boolean }
  /** `source` is the name of the column before the changes. */
  | { kind: 'changeType'; name: string; type: string; from: string; source: string }
  /** Removes the record of a rename that is no longer requested. */
  | { kind: 'forgetRename'; name: string; type: string; from: string }
  | { kind: 'addColumn'; name: string; type: string; cyclic?: true }
  /** `freed` lists the remaining columns that are no longer part of the key. */
  | { kind: 'changePrimaryKey'; to: string[]; from: string[]; freed: Column[] }
  | { kind: 'changeOption'; name: string; to: Option; from: Option | undefined };

type Option = Layout['options'][string];

/** Options whose value is the name of a column. */
const optionsOfColumns = new Set(['partitionColumn']);

/**
 * Lists the changes from `actual` to `wanted`, in the order in which they can be made. The order of columns is ignored, as databases
 * can't change it. `reported` is the last reported layout, if it is that of the same database.
 */
export function plan(wanted: Layout, actual: Layout, reported?: Layout): Change[] {
  const { columns, superfluous } = findOrigins(wanted, actual, reported);
  const newName = (name: string) => columns.find(({ source }) => source?.name === name)?.column.name ?? name;
  const changes: Change[] = [
    ...superfluous.map(({ name, type }): Change => ({ kind: 'dropColumn', name, type })),
    ...columns.flatMap(renameOf),
    ...columns.flatMap(typeChangeOf),
    ...columns.flatMap(forgottenRenameOf),
    ...columns.flatMap(additionOf),
  ];
  const [to, from] = [wanted.primaryKey, actual.primaryKey.map(newName)];
  if (to.join('\n') !== from.join('\n')) {
    const remains = (name: string) => columns.some(({ column, source }) => source && column.name === name);
    const freed = wanted.columns.filter(({ name }) => remains(name) && from.includes(name) && !to.includes(name));
    changes.push({ kind: 'changePrimaryKey', to, from, freed });
  }
  for (const [name, option] of Object.entries(wanted.options)) {
    const former = actual.options[name];
    const renamed = typeof former === 'string' && optionsOfColumns.has(name) ? newName(former) : former;
    if (renamed !== option) changes.push({ kind: 'changeOption', name, to: option, from: renamed });
  }
  return changes;
}

/** Lists the changes like `plan`. Throws a terminal error if it is unclear whose values a column should have. */
export function planOrRefuse(wanted: Layout, actual: Layout, reported?: Layout): Change[] {
  const { conflicts } = findOrigins(wanted, actual, reported);
  if (conflicts.length === 0) return plan(wanted, actual, reported);
  throw terminal(
    `${conflicts.join('. ')}. Nothing was changed. Drop or rename the columns whose values you don't need, ` +
      'then edit this resource. Without renamedFrom, columns that are not listed are dropped.',
    { reason: 'ColumnsConflict' },
  );
}

/**
 * Filters the changes that correct drift: changes that were not needed for the table as it was last reported. The others result from
 * an edit of the resources.
 */
export function driftAmong(changes: Change[], wanted: Layout, reported: Layout): Change[] {
  const edits = new Set(plan(wanted, reported).map(subjectOf));
  return changes.filter((change) => !edits.has(subjectOf(change)));
}

/** Returns the name of a wanted column before the changes; `undefined` if it is new. */
export function formerName(name: string, changes: Change[]): string | undefined {
  for (const change of changes) {
    if (change.kind === 'addColumn' && change.name === name) return undefined;
    if (change.kind === 'renameColumn' && change.name === name) return change.from;
  }
  return name;
}

type RecordedChange = Extract<Change, { kind: 'renameColumn' | 'addColumn' }>;

/** Reports whether the database must record a rename with a change. */
export function isRecordedWith(change: Change): change is RecordedChange {
  return (change.kind === 'renameColumn' || change.kind === 'addColumn') && change.cyclic === true;
}

/**
 * Returns the wanted layout with those renames only that the database records: the ones that the names don't tell. Call it with the
 * changes that are made now.
 */
export function withRecordedRenames(wanted: Layout, actual: Layout, changes: Change[]): Layout {
  const isRecorded = ({ name, renamedFrom }: Column) =>
    actual.columns.some((column) => column.name === name && column.renamedFrom === renamedFrom) ||
    changes.some((change) => isRecordedWith(change) && change.name === name);
  const columns = wanted.columns.map((column) =>
    isRecorded(column) ? column : { name: column.name, type: column.type },
  );
  return { ...wanted, columns };
}

/** Describes a change that was made. */
export function describe(change: Change): string {
  switch (change.kind) {
    case 'dropColumn':
      return `dropped column ${change.name} (${change.type})${valuesOf(change)}`;
    case 'renameColumn':
      return `renamed column ${change.from} to ${change.name}`;
    case 'changeType':
      return `changed column ${change.name} from ${change.from} to ${change.type}`;
    case 'forgetRename':
      return `removed the record that column ${change.name} was renamed from ${change.from}`;
    case 'addColumn':
      return `added column ${change.name} (${change.type})`;
    case 'changePrimaryKey':
      return `changed the primary key from (${change.from.join(', ')}) to (${change.to.join(', ')})`;
    case 'changeOption':
      return `changed ${change.name} from ${change.from ?? 'none'} to ${change.to}`;
  }
}

function renameOf({ column, source, cyclic }: Origin): Change[] {
  if (!source || source.name === column.name) return [];
  return [{ kind: 'renameColumn', name: column.name, from: source.name, cyclic }];
}

function typeChangeOf({ column: { name, type }, source }: Origin): Change[] {
  if (!source || source.type === type) return [];
  return [{ kind: 'changeType', name, type, from: source.type, source: source.name }];
}

function forgottenRenameOf({ column: { name, type, renamedFrom }, source, cyclic }: Origin): Change[] {
  const from = source?.renamedFrom;
  return from === undefined || from === renamedFrom || cyclic ? [] : [{ kind: 'forgetRename', name, type, from }];
}

function additionOf({ column: { name, type }, source, cyclic }: Origin): Change[] {
  return source ? [] : [{ kind: 'addColumn', name, type, ...(cyclic && { cyclic }) }];
}

function valuesOf({ values = 0 }: { values?: number }): string {
  return values === 0 ? '' : ` with ${values} ${values === 1 ? 'value' : 'values'}`;
}

function subjectOf(change: Change): string {
  return change.kind === 'changePrimaryKey' ? change.kind : `${change.kind} ${change.name}`;
}
