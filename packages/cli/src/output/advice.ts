import type { Diagnosis } from '@kplug/protocol';
import { plain } from './table.ts';
import type { Colors } from './terminal.ts';

/** Formats what to do next, and what may be out of date, one line each; no lines if there is nothing. */
export function adviceLines(diagnosis: Diagnosis | undefined, colors: Colors): string[] {
  if (!diagnosis) return [];
  const { advice, stale } = diagnosis;
  return [...(advice ? [`→ ${plain(advice)}`] : []), ...stale.map((one) => `${colors.yellow('stale:')} ${plain(one)}`)];
}
