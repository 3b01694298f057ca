import { isOwnPath } from './read-failure.ts';

/** Line that a process wrote. */
export interface RawLine {
  pid: number;
  text: string;
  stream: 'stdout' | 'stderr';
}

/** Line, or the last line of a traceback with its frames. */
export interface FoldedLine extends RawLine {
  frames?: readonly string[];
}

const begin = /^Traceback \(most recent call last\):/;
const frame = /^\s*File "(.+?)", line \d+/;

/** Folds tracebacks of Python, which are written line by line, into the line with their message. */
export class Tracebacks {
  readonly #folder: string;
  /** Lines of the traceback that a process is writing. */
  readonly #open = new Map<number, string[]>();

  /** @param folder folder whose frames are kept. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes in a line. Returns it, or `undefined` while a traceback is incomplete. */
  fold(line: RawLine): FoldedLine | undefined {
    const { pid, text, stream } = line;
    if (stream === 'stderr' && begin.test(text)) {
      this.#open.set(pid, []);
      return undefined;
    }
    const lines = this.#open.get(pid);
    if (!lines || stream !== 'stderr') return line;
    if (/^\s|^$/.test(text)) {
      lines.push(text);
      return undefined;
    }
    this.#open.delete(pid);
    return { ...line, frames: ownPythonFrames(lines, this.#folder) };
  }
}

/** Returns the frames in files of a folder, or all if there is none. */
function ownPythonFrames(lines: readonly string[], folder: string): readonly string[] {
  let isOwn = false;
  const own = lines.filter((line) => {
    const [, file] = frame.exec(line) ?? [];
    if (file !== undefined) isOwn = isOwnPath(file, folder);
    return isOwn;
  });
  return (own.length > 0 ? own : lines).map((line) => line.replaceAll(`${folder}/`, ''));
}
