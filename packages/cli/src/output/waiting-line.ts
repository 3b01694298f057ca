/** What a waiting line is written on. */
export interface LineStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** How long nothing is said, in milliseconds. */
const patience = 1_000;

/** Says on a terminal what is waited for, in one line that changes and goes in the end; elsewhere it says nothing. */
export class WaitingLine implements Disposable {
  readonly #stream: LineStream;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Map<symbol, string>();
  #isShown = false;

  constructor(stream: LineStream) {
    this.#stream = stream;
    if (stream.isTTY) this.#timer = setTimeout(() => this.#show(), patience);
  }

  /** Waits for something. */
  async wait<T>(what: string, work: Promise<T>): Promise<T> {
    const mark = Symbol(what);
    this.#waiting.set(mark, what);
    if (this.#isShown) this.#draw();
    try {
      return await work;
    } finally {
      this.#waiting.delete(mark);
      if (this.#isShown) this.#draw();
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#isShown) this.#stream.write('\r\u001b[K');
    this.#isShown = false;
  }

  #show(): void {
    this.#isShown = true;
    this.#draw();
  }

  #draw(): void {
    const what = [...new Set(this.#waiting.values())].join(', ');
    // Some terminals say that they have no columns at all.
    const width = (this.#stream.columns || 80) - 1;
    this.#stream.write(`\r\u001b[K${what && `asking for ${what} …`.slice(0, width)}`);
  }
}
