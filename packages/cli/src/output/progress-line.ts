import { printable } from '@kplug/protocol/printable';

/** Stream that a progress line is written to. */
export interface LineStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Delay before the line is shown, in milliseconds. */
const showDelay = 1_000;

/** Line on a terminal with the targets of requests in progress. It is removed at the end. Other streams get no output. */
export class ProgressLine implements Disposable {
  readonly #stream: LineStream;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #targets = new Map<symbol, string>();
  #isShown = false;

  constructor(stream: LineStream) {
    this.#stream = stream;
    if (stream.isTTY) this.#timer = setTimeout(() => this.#show(), showDelay);
  }

  /** Waits for a request and shows its target meanwhile. */
  async wait<T>(target: string, work: Promise<T>): Promise<T> {
    const mark = Symbol(target);
    this.#targets.set(mark, target);
    if (this.#isShown) this.#draw();
    try {
      return await work;
    } finally {
      this.#targets.delete(mark);
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
    const targets = printable([...new Set(this.#targets.values())].join(', '));
    // Some terminals report 0 columns.
    const width = (this.#stream.columns || 80) - 1;
    this.#stream.write(`\r\u001b[K${targets && `waiting for ${targets} …`.slice(0, width)}`);
  }
}
