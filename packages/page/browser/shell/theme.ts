import { effect, signal } from '@preact/signals';
import { readStored, writeStored } from '../data/stored.ts';

/** Themes to choose from. `system` follows the setting of the system. */
export const themes = ['system', 'light', 'dark'] as const;

/** A theme. */
export type Theme = (typeof themes)[number];

const name = 'kplug.theme';

function readTheme(): Theme {
  const stored = readStored(name);
  return themes.find((theme) => theme === stored) ?? 'system';
}

/** Theme of the page, which persists in the browser. */
export const theme = signal<Theme>(readTheme());

/** Applies the theme, now and after each change. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    writeStored(name, theme.value);
  });
}
