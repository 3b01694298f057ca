import { type PluginError, terminal } from '@kplug/sdk';

/** Change of a column that some rows would not survive. */
export interface Misfit {
  /** Name of the wanted column. */
  column: string;
  /** Its present name. */
  source: string;
  change: { from: string; to: string } | 'key';
  /** Number of rows that would lose their value. */
  rows: number;
  /** Number of all rows. */
  total: number;
  /** First of them, by the order of the primary key. */
  first: {
    /** Values of the primary key, by the name of the column. */
    key: [string, string][];
    value: string | null;
    /** Value that it would have after the change; `undefined` if the type has none for it. */
    becomes?: string | null | undefined;
  };
}

/** Maximum length of a value in a message, in characters. */
export const maxShownLength = 80;

/** Terminal error for changes that some rows would not survive. */
export function doesNotFit(table: string, misfits: Misfit[]): PluginError {
  return terminal(
    `Table ${table}: ${misfits.map(describeMisfit).join(' ')} Nothing was changed. ` +
      'Correct the data or the columns, then edit this resource.',
    { reason: 'DataDoesNotFit' },
  );
}

/** Reports whether the values of a column may be secrets, by its name. Messages don't show them. */
export function mayBeSecret(column: string): boolean {
  return /pass(word|wd|phrase|code)?|pwd|secret|token|credential|(api|private|access|session)[-_ ]?key|hash|salt|\bpin\b|ssn|iban|cvv/i.test(
    column,
  );
}

function describeMisfit({ column, source, change, rows, total, first }: Misfit): string {
  const name = source === column ? `"${column}"` : `"${column}" (now "${source}")`;
  const count = `${rows} of ${total} ${total === 1 ? 'row' : 'rows'}`;
  const where = first.key.map(([key, value]) => `${key} = ${show(key, value)}`).join(', ');
  const row = `The first one${where && `, ${where},`}`;
  if (change === 'key') {
    return `column ${name} can't be part of the primary key, as ${count} would have no value in it. ${row} has none.`;
  }
  return (
    `column ${name} can't change from ${change.from} to ${change.to}, as ${count} would not keep the value. ` +
    `${row} has ${show(source, first.value)}, ${effectOf(source, first)}.`
  );
}

function effectOf(source: string, { value, becomes }: Misfit['first']): string {
  if (becomes === undefined || becomes === null) return 'for which the new type has no equal value';
  return becomes === value ? "which the database can't convert" : `which would become ${show(source, becomes)}`;
}

function show(column: string, value: string | null): string {
  if (mayBeSecret(column)) return '(hidden)';
  if (value === null) return 'NULL';
  const characters = [...value];
  const shown = characters.slice(0, maxShownLength).join('');
  return JSON.stringify(characters.length > maxShownLength ? `${shown}…` : shown);
}
