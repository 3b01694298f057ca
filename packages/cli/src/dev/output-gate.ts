/** Line of output of a process. */
export interface OutputLine {
  level: string;
  text: string;
  /** Stack of an error that the line is about. */
  details?: readonly string[];
}

/** Longest time for which the output of a process that starts is held, in milliseconds. */
const maxHeldTime = 5_000;
/** Number of last lines of a process that are compared with those of the next one. */
const maxLines = 200;

/**
 * Output of the processes of one plugin. That of a process which starts is held until it has registered, so that the error of one that
 * doesn't start is shown as one. What a process wrote before it failed is not shown again for the next one of the same code.
 */
export class OutputGate {
  readonly #show: (line: OutputLine) => void;
  readonly #held = new Map<number, OutputLine[]>();
  readonly #last = new Map<number, string[]>();
  /** Lines of processes of the present code that failed. */
  readonly #repeated = new Set<string>();
  readonly #open = new Set<number>();
  #failure: string | undefined;

  constructor(show: (line: OutputLine) => void) {
    this.#show = show;
  }

  /** Takes in a line of a process. */
  add(pid: number, line: OutputLine): void {
    const last = this.#last.get(pid) ?? [];
    this.#last.set(pid, last);
    last.push(line.text);
    if (last.length > maxLines) last.shift();
    if (this.#open.has(pid)) {
      this.#pass(line);
      return;
    }
    const held = this.#held.get(pid);
    if (held) held.push(line);
    else {
      this.#held.set(pid, [line]);
      setTimeout(() => this.open(pid), maxHeldTime).unref();
    }
  }

  /** Reports whether the output of a process is shown as it comes. */
  isOpen(pid: number): boolean {
    return this.#open.has(pid);
  }

  /** Shows the output of a process, which has registered. */
  open(pid: number): void {
    this.#open.add(pid);
    for (const line of this.#held.get(pid) ?? []) this.#pass(line);
    this.#held.delete(pid);
  }

  /**
   * Takes in the failure of a process. Returns the lines that it wrote, those of them that weren't shown, and whether another process of the
   * same code has failed in the same way.
   */
  fail(pid: number): { isRepeated: boolean; all: readonly string[]; unseen: readonly string[] } {
    const all = this.#last.get(pid) ?? [];
    const held = this.#held.get(pid)?.map(({ text }) => text) ?? [];
    this.#forget(pid);
    const failure = all.map(withoutNumbers).join('\n');
    const isRepeated = failure === this.#failure;
    this.#failure = failure;
    for (const line of all) this.#repeated.add(withoutNumbers(line));
    return { isRepeated, all, unseen: held };
  }

  /** Takes in new code: its output is shown although it equals that of the former one. */
  renew(): void {
    this.#failure = undefined;
    this.#repeated.clear();
  }

  #pass(line: OutputLine): void {
    const isRaw = line.level === 'warn' || line.level === 'error';
    if (isRaw && this.#repeated.has(withoutNumbers(line.text))) return;
    this.#show(line);
  }

  #forget(pid: number): void {
    this.#held.delete(pid);
    this.#last.delete(pid);
    this.#open.delete(pid);
  }
}

/** Times, addresses and process IDs differ between processes that fail alike. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d+/g, '0');
}
