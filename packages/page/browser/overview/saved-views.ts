import { signal } from '@preact/signals';
import { readStored, writeStored } from '../data/stored.ts';
import { maxNameLength, maxViews, parseViews, type View } from './views-text.ts';

const storedName = 'kplug.views';

/** Views of this browser, in the order of their names. */
export const views = signal<readonly View[]>(parseViews(readStored(storedName)));

/** Saves a view; one of the same name is replaced. */
export function saveView(view: View): void {
  const name = view.name.trim().slice(0, maxNameLength);
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
