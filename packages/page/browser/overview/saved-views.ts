import { signal } from '@preact/signals';
import { readStored, writeStored } from '../data/stored.ts';

/** A filter with a name. Its query can be shared as a link. */
export interface View {
  readonly name: string;
  readonly query: string;
}

const storedName = 'kplug.views';
const maxViews = 50;
const maxLength = 60;

/** Reads views from what is stored, which any program may have written. */
export function parseViews(stored: string | undefined): View[] {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value
    .filter(isView)
    .slice(0, maxViews)
    .map(({ name, query }) => ({ name, query }));
}

function isView(value: unknown): value is View {
  const { name, query } = (value ?? {}) as Partial<Record<keyof View, unknown>>;
  return typeof name === 'string' && name.trim() !== '' && name.length <= maxLength && typeof query === 'string';
}

/** Views of this browser, in the order of their names. */
export const views = signal<readonly View[]>(parseViews(readStored(storedName)));

/** Saves a view; one of the same name is replaced. */
export function saveView(view: View): void {
  const name = view.name.trim().slice(0, maxLength);
  if (!name) return;
  store([...views.value.filter((other) => other.name !== name), { ...view, name }]);
}

/** Removes a view. */
export function removeView(name: string): void {
  store(views.value.filter((view) => view.name !== name));
}

function store(all: readonly View[]): void {
  views.value = all.toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, maxViews);
  writeStored(storedName, JSON.stringify(views.value));
}
