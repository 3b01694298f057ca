import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface RowKeysOptions {
  list: RefObject<HTMLElement | null>;
  total: number;
  /** First and last row that are rendered. */
  first: number;
  last: number;
  scrollTo: (index: number) => void;
}

/** Number of rows that a page has. */
const pageSize = 10;

/** Row to go to by a key; undefined for another key. */
export function rowAfterKey(key: string, row: number, total: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + pageSize,
    PageUp: row - pageSize,
    Home: 0,
    End: total - 1,
  };
  const next = steps[key];
  return next === undefined ? undefined : Math.max(0, Math.min(total - 1, next));
}

/** Moves between the rows by keys. One link of the rows is in the order of the tab key. */
export function useRowKeys({ list, total, first, last, scrollTo }: RowKeysOptions): {
  active: number;
  onKeyDown: (event: KeyboardEvent) => void;
} {
  const [row, setRow] = useState(0);
  const [wanted, setWanted] = useState<number>();
  useEffect(() => {
    if (wanted === undefined) return;
    const link = list.current?.querySelector<HTMLElement>(`[data-row="${wanted}"] a`);
    if (!link) return;
    link.focus({ preventScroll: true });
    setWanted(undefined);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const at = Number((event.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset.row ?? row);
    const next = rowAfterKey(event.key, at, total);
    if (next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    setRow(next);
    setWanted(next);
    scrollTo(next);
  };
  // A row that is out of sight isn't rendered, and can't be reached by the tab key.
  return { active: row >= first && row <= last ? row : first, onKeyDown };
}
