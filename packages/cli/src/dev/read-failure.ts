import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Failure of a plugin, read from its output. */
export interface ReadFailure {
  /** File and line, relative to the folder; empty when the output has none. */
  place: string;
  /** Message of the error; empty when the output has none. */
  message: string;
  /** What to do, if that is known. */
  advice: string;
}

/** First line of an error of Node.js, and frames of a stack. */
const nodePlace = /((?:file:\/\/)?\/[^\s():]+\.[cm]?[jt]sx?):(\d+)(?::(\d+))?/;
const pythonPlace = /^\s*File "(.+?)", line (\d+)/;
const goPlace = /^\s*(\S+\.go):(\d+)(?::(\d+))?/;
/** Largest length of the message, as the whole one follows in the output. */
const maxMessage = 100;
/** Folder of installed packages in a path. */
const installed = /(?:^|\/)(?:node_modules|\.venv|venv)\//;
const uncaught = /^(?:Uncaught )?[\w$.]*(?:Error|Exception|Interrupt|panic)\b.*/;

/** Reads where and why a plugin failed from the lines that it wrote. @param folder folder of its sources. */
export function readFailure(lines: readonly string[], folder: string): ReadFailure {
  const message = lines.findLast((line) => uncaught.test(line) || /^panic: /.test(line))?.trim() ?? '';
  const shown = message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message;
  return { place: placeOf(lines, folder), message: shown, advice: adviceOn(lines.join('\n')) };
}

/** Returns lines without those about the internals of Node.js. */
export function withoutInternals(lines: readonly string[]): string[] {
  // An error of the loader begins with where Node.js threw it: three lines.
  const begin = /^node:internal\//.test(lines[0] ?? '') ? 3 : 0;
  return lines.slice(begin).filter((line) => !/^\s+at .*\bnode:internal\/|^Node\.js v\d/.test(line));
}

/** Returns the lines of a stack without frames outside of a folder, whose paths are relative to it. */
export function ownFrames(stack: string, folder: string): string[] {
  const isOwn = (line: string) => line.includes(`${folder}/`) && !installed.test(line);
  const lines = stack.split('\n').filter((line) => !/^\s+at /.test(line) || isOwn(line));
  return lines.map((line) => line.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, ''));
}

/** Reports whether a file is in a folder, and not that of a package that is installed there. */
export function isOwnPath(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return !path.startsWith('..') && !installed.test(path);
}

function placeOf(lines: readonly string[], folder: string): string {
  const isOwn = ([file = '']: readonly string[]) => isOwnPath(file, folder);
  const isPython = lines.some((line) => pythonPlace.test(line));
  const places = lines.flatMap((line) => {
    const match = pythonPlace.exec(line) ?? nodePlace.exec(line) ?? goPlace.exec(line);
    return match ? [[pathOf(match[1] ?? '', folder), ...match.slice(2)] as string[]] : [];
  });
  // The innermost frame is Python's last one, and the first one of others.
  const found = isPython ? places.findLast(isOwn) : places.find(isOwn);
  if (!found) return '';
  const [file = '', ...position] = found;
  return [relative(folder, file), ...position.filter(Boolean)].join(':');
}

function pathOf(file: string, folder: string): string {
  if (file.startsWith('file://')) return fileURLToPath(file);
  return file.startsWith('/') ? file : `${folder}/${file}`;
}

function adviceOn(output: string): string {
  const missing = /Cannot find package '([^']+)'/.exec(output)?.[1];
  if (missing) return `run "npm install", or "npm install ${missing}" if package.json does not have it`;
  const module = /ModuleNotFoundError: No module named '([^'.]+)/.exec(output)?.[1];
  if (module)
    return `install it into the virtual environment: .venv/bin/pip install -r requirements.txt, or pip install ${module}`;
  return '';
}
