import { type ReadonlySignal, signal } from '@preact/signals';

function media(query: string): ReadonlySignal<boolean> {
  const list = window.matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', () => {
    matches.value = list.matches;
  });
  return matches;
}

/** True while there is room for one column only. The style sheets have the same limit. */
export const isNarrow = media('(max-width: 720px)');

/** True while the system prefers dark colours. */
export const prefersDark = media('(prefers-color-scheme: dark)');
