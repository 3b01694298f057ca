/**
 * Reads a text that was stored in the browser. A browser may forbid storage, as it does in private windows of some: nothing is stored
 * then, and the page works without.
 */
export function readStored(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores a text in the browser, and reports whether that was possible. */
export function writeStored(name: string, text: string): boolean {
  try {
    localStorage.setItem(name, text);
    return true;
  } catch {
    return false;
  }
}
