import type { ReadStream } from 'node:tty';

/** Keys of `kplug dev`, with what they do. */
export const keys = [
  { key: 'r', does: 'reconcile all resources now' },
  { key: 'f', does: 'show only a resource or plugin; Enter alone shows all' },
  { key: 'p', does: 'print the statuses of all resources' },
  { key: 'u', does: 'open the page of the operator in the browser' },
  { key: 'c', does: 'clear the screen' },
  { key: '?', does: 'print this help' },
  { key: 'q', does: 'quit, as Ctrl-C does; a second Ctrl-C quits at once' },
] as const;

export type Key = (typeof keys)[number]['key'];

/** Reactions to keys. */
export interface KeyActions {
  press: (key: Key) => void;
  /** Called with each change of the text of a question, while it is typed. */
  type: (text: string) => void;
  /** Called at the end of a question; `undefined` when it was cancelled. */
  answer: (text: string | undefined) => void;
  interrupt: () => void;
}

const interrupt = '\u0003';
const endOfFile = '\u0004';
const suspend = '\u001a';
const escapeKey = '\u001b';

/** Reads single keys from a terminal, and the answer to a question. */
export class Keys {
  readonly #input: ReadStream;
  readonly #actions: KeyActions;
  #text: string | undefined;
  readonly #onData = (data: string) => this.#read(data);
  readonly #onResume = () => this.#input.setRawMode(true);

  constructor(input: ReadStream, actions: KeyActions) {
    this.#input = input;
    this.#actions = actions;
  }

  start(): void {
    this.#input.setEncoding('utf8').setRawMode(true);
    this.#input.on('data', this.#onData);
    this.#input.resume();
    process.on('SIGCONT', this.#onResume);
  }

  stop(): void {
    process.off('SIGCONT', this.#onResume);
    this.#input.off('data', this.#onData);
    this.#input.setRawMode(false);
    this.#input.pause();
  }

  /** Takes the next line as the answer to a question. */
  ask(): void {
    this.#text = '';
    this.#actions.type('');
  }

  #read(data: string): void {
    // Keys such as the arrows send a sequence.
    if (data.length > 1 && data.startsWith(escapeKey)) return;
    for (const character of data) this.#onCharacter(character);
  }

  #onCharacter(character: string): void {
    const isEnd = character === endOfFile && this.#text === undefined;
    if (character === interrupt || isEnd) this.#actions.interrupt();
    else if (character === suspend) this.#suspend();
    else if (this.#text !== undefined) this.#edit(this.#text, character);
    else this.#press(character === 'h' ? '?' : character.toLowerCase());
  }

  #press(character: string): void {
    const known = keys.find(({ key }) => key === character);
    if (known) this.#actions.press(known.key);
  }

  #edit(text: string, character: string): void {
    if (character === '\r' || character === '\n' || character === escapeKey) {
      this.#text = undefined;
      this.#actions.answer(character === escapeKey ? undefined : text.trim());
      return;
    }
    const isBackspace = character === '\u007f' || character === '\b';
    this.#text = isBackspace ? text.slice(0, -1) : character < ' ' ? text : `${text}${character}`;
    this.#actions.type(this.#text);
  }

  /** Does what Ctrl-Z does outside of raw mode. */
  #suspend(): void {
    this.#input.setRawMode(false);
    process.kill(process.pid, 'SIGTSTP');
  }
}
