import { printable } from '@kplug/protocol/services';

/** Longest text that is shown on one line, in characters. */
const maxLength = 600;

/**
 * Makes a text of a plugin or a resource safe to show on one line: bounded, and with visible control characters and changes of direction.
 * Preact makes text nodes of it, never HTML.
 */
export function shown(text: string, limit = maxLength): string {
  return printable(text, limit);
}
