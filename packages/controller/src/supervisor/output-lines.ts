import { StringDecoder } from 'node:string_decoder';

/** Splits what a process writes into lines. A line that is longer than allowed is cut, and its rest passed over. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #longest: number;
  readonly #listener: (line: string) => void;
  #rest = '';
  #cut = false;

  /** @param longest how many characters of a line are kept. */
  constructor(longest: number, listener: (line: string) => void) {
    this.#longest = longest;
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

  /** What stands after the last line feed is a line as well. */
  end(): void {
    this.#append(this.#decoder.end());
    this.#finish();
  }

  #append(text: string): void {
    const room = this.#longest - this.#rest.length;
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
