/** Arrival of the user at an entry of the history. */
export interface Arrival {
  /** True if it was seen before, and the user went back or forward to it. */
  readonly isReturn: boolean;
  /** Pixels by which it was scrolled when it was left; 0 for a new one. */
  readonly top: number;
}

interface Entry {
  readonly kplugEntry: string;
}

/** Scroll positions by the entries of the history. */
const tops = new Map<string, number>();
let entries = 0;
let entry = '';
let latest: Arrival = { isReturn: false, top: 0 };

/** Takes scrolling over from the browser, which scrolls before a screen has its data. */
export function keepScrollPositions(): void {
  history.scrollRestoration = 'manual';
  entry = entryOf(history.state) ?? markEntry();
}

/** Takes in that the user came to another URL. What the former one shows must still be there. */
export function arrive(): void {
  tops.set(entry, window.scrollY);
  const known = entryOf(history.state);
  entry = known ?? markEntry();
  latest = { isReturn: known !== undefined, top: tops.get(entry) ?? 0 };
}

/** Latest arrival. */
export function latestArrival(): Arrival {
  return latest;
}

function entryOf(state: unknown): string | undefined {
  return (state as Entry | null)?.kplugEntry;
}

/** Marks a new entry of the history. Those of a page that was loaded before have other names. */
function markEntry(): string {
  const name = `${performance.timeOrigin}.${++entries}`;
  history.replaceState({ kplugEntry: name } satisfies Entry, '');
  return name;
}
