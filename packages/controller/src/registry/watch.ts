/** Reason why a watch was not opened or was ended, with the remedy. Its gRPC status is RESOURCE_EXHAUSTED. */
export class WatchRefused extends Error {}

/** Reader of a watch. */
export interface WatchReader {
  /** Host of the reader, by which watches are counted. */
  peer: string;
  /** True for other plugins, which get no text of failed connections. Default: all details, for the operator's users. */
  isPublic?: boolean;
  /** Ends the watch when it is aborted. */
  signal: AbortSignal;
  /** Called when the watch ends because its reader lags. The reader may never ask for the next response. */
  onCut?: (error: WatchRefused) => void;
}

/** Open watch. */
export abstract class Watch<Response> {
  readonly reader: WatchReader;
  /** Time at which the response that the reader has not taken yet was handed over; `undefined` without one. */
  handedOverAt: number | undefined;
  #error: WatchRefused | undefined;
  #wake: () => void = () => undefined;

  constructor(reader: WatchReader) {
    this.reader = reader;
  }

  /** Drops what waits for the reader. */
  abstract clear(): void;

  get isCut(): boolean {
    return this.#error !== undefined;
  }

  /** Yields a response. Throws `WatchRefused` if the watch has been cut. */
  *handOver(response: Response): Generator<Response> {
    if (this.#error) throw this.#error;
    this.handedOverAt = performance.now();
    yield response;
    this.handedOverAt = undefined;
    if (this.#error) throw this.#error;
  }

  /** Waits for the next change, or for the end of the watch. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#error) throw this.#error;
  }

  wake(): void {
    this.#wake();
  }

  /** Ends the watch of a reader that lags. */
  cut(reason: string): void {
    if (this.#error) return;
    this.#error = new WatchRefused(`the reader of the watch lags: ${reason}`);
    this.clear();
    this.wake();
    this.reader.onCut?.(this.#error);
  }
}
