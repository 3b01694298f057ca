import { limits } from '../limits/limits.ts';
import type { HostedOutputLine } from '../registry/hosted.ts';
import { copyText } from './copy-text.ts';

const { maxOutputLines, maxOutputSize } = limits.pluginsFolder;

/** Last lines that the processes of a plugin wrote. */
export class OutputLog {
  /** Lines by their count modulo `maxOutputLines`. */
  readonly #lines: (HostedOutputLine | undefined)[] = [];
  readonly #next: () => number;
  #first = 0;
  #end = 0;
  #size = 0;
  #droppedUpTo = 0;

  /** @param next returns the number of a new line, which is larger than the former ones. */
  constructor(next: () => number) {
    this.#next = next;
  }

  /** Adds a line. */
  add(text: string, stream: HostedOutputLine['stream'], pid: number): void {
    if (this.#end - this.#first === maxOutputLines) this.#drop();
    this.#lines[this.#end++ % maxOutputLines] = {
      number: this.#next(),
      at: Date.now(),
      text: copyText(text),
      stream,
      pid,
    };
    this.#size += text.length;
    while (this.#size > maxOutputSize) this.#drop();
  }

  /** Returns the lines after a number, oldest first. */
  after(number: number): HostedOutputLine[] {
    const found: HostedOutputLine[] = [];
    for (let count = this.#end - 1; count >= this.#first; count--) {
      const line = this.#lines[count % maxOutputLines];
      if (!line || line.number <= number) break;
      found.push(line);
    }
    return found.reverse();
  }

  /** Number of the last line that is no longer kept; 0 if all are. */
  get droppedUpTo(): number {
    return this.#droppedUpTo;
  }

  #drop(): void {
    const index = this.#first++ % maxOutputLines;
    const line = this.#lines[index];
    this.#lines[index] = undefined;
    if (!line) return;
    this.#size -= line.text.length;
    this.#droppedUpTo = line.number;
  }
}
