import type { Column, Layout } from './table.ts';

/** Change from the actual to the wanted table. */
export type Change =
  | { kind: 'dropColumn'; name: string; type: string }
  | { kind: 'changeType'; name: string; type: string; from: string }
  | { kind: 'addColumn'; name: string; type: string }
  /** `freed` lists the remaining columns that are no longer part of the key. */
  | { kind: 'changePrimaryKey'; to: string[]; from: string[]; freed: Column[] }
  | { kind: 'changeOption'; name: string; to: Option; from: Option | undefined };

type Option = Layout['options'][string];

/**
 * Lists the changes from `actual` to `wanted`, in the order in which they can be made. The order of columns is ignored, as databases
 * can't change it. A renamed column is another column.
 */
export function plan(wanted: Layout, actual: Layout): Change[] {
  const wantedColumns = new Map(wanted.columns.map(({ name, type }) => [name, type]));
  const actualColumns = new Map(actual.columns.map(({ name, type }) => [name, type]));
  const changes: Change[] = [];
  for (const { name, type } of actual.columns) {
    if (!wantedColumns.has(name)) changes.push({ kind: 'dropColumn', name, type });
  }
  for (const { name, type } of wanted.columns) {
    const from = actualColumns.get(name);
    if (from !== undefined && from !== type) changes.push({ kind: 'changeType', name, type, from });
  }
  for (const { name, type } of wanted.columns) {
    if (!actualColumns.has(name)) changes.push({ kind: 'addColumn', name, type });
  }
  if (wanted.primaryKey.join('\n') !== actual.primaryKey.join('\n')) {
    const [to, from] = [wanted.primaryKey, actual.primaryKey];
    const freed = wanted.columns.filter(({ name }) => from.includes(name) && !to.includes(name));
    changes.push({ kind: 'changePrimaryKey', to, from, freed });
  }
  for (const [name, to] of Object.entries(wanted.options)) {
    const from = actual.options[name];
    if (from !== to) changes.push({ kind: 'changeOption', name, to, from });
  }
  return changes;
}

/**
 * Filters the changes that correct drift: changes that were not needed for the table as it was last reported. The others result from
 * an edit of the resources.
 */
export function driftAmong(changes: Change[], wanted: Layout, reported: Layout): Change[] {
  const edits = new Set(plan(wanted, reported).map(subjectOf));
  return changes.filter((change) => !edits.has(subjectOf(change)));
}

/** Describes a change that was made. */
export function describe(change: Change): string {
  switch (change.kind) {
    case 'dropColumn':
      return `dropped column ${change.name} (${change.type})`;
    case 'changeType':
      return `changed column ${change.name} from ${change.from} to ${change.type}`;
    case 'addColumn':
      return `added column ${change.name} (${change.type})`;
    case 'changePrimaryKey':
      return `changed the primary key from (${change.from.join(', ')}) to (${change.to.join(', ')})`;
    case 'changeOption':
      return `changed ${change.name} from ${change.from ?? 'none'} to ${change.to}`;
  }
}

function subjectOf(change: Change): string {
  return change.kind === 'changePrimaryKey' ? change.kind : `${change.kind} ${change.name}`;
}
