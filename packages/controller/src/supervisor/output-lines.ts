import { StringDecoder } from 'node:string_decoder';

/** Splits the output of a process into lines. Longer lines than allowed are truncated. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxLength: number;
  readonly #listener: (line: string) => void;
  #rest = '';
  #cut = false;

  /** @param maxLength maximum length of a line, in characters. */
  constructor(maxLength: number, listener: (line: string) => void) {
    this.#maxLength = maxLength;
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    const [end = '', ...further] = this.#decoder.write(chunk).split('\n');
    this.#append(end);
    for (const line of further) {
      this.#finish();
      this.#append(line);
    }
  }

  /** Ends the output. Text after the last line feed is a line, too. */
  end(): void {
    this.#append(this.#decoder.end());
    this.#finish();
  }

  #append(text: string): void {
    const room = this.#maxLength - this.#rest.length;
    this.#rest += text.slice(0, room);
    this.#cut ||= text.length > room;
  }

  #finish(): void {
    const line = this.#rest.replace(/\r$/, '');
    this.#rest = '';
    if (line) this.#listener(this.#cut ? `${line}…` : line);
    this.#cut = false;
  }
}
