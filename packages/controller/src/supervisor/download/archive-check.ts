import type { ReadEntry } from 'tar';

// Only the process that unpacks imports this file; see unpack-program.ts.

/** Limits of an archive. */
export interface ArchiveLimits {
  /** Maximum size of all files together, in bytes. */
  maxBytes: number;
  /** Maximum number of files, folders and links together. */
  maxFiles: number;
  /** Maximum length of a path, in characters. */
  maxPathLength: number;
  /** Maximum length of a name in a path, in bytes. */
  maxNameLength: number;
  /** Maximum depth of folders. */
  maxDepth: number;
}

type Kind = 'folder' | 'file' | 'link';

/** Files that the controller writes into a release. */
const reserved = /^\.kplug-/i;

/** Number of headers per file that a valid archive needs at most: long path, long target, and the entry itself. */
const headersPerFile = 3;

/** Checks the entries of an archive one by one. */
export class ArchiveCheck {
  readonly #limits: ArchiveLimits;
  /** Entries and the folders above them, by their paths in lower case. */
  readonly #known = new Map<string, { path: string; kind: Kind }>();
  #bytes = 0;
  #files = 0;
  #headers = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** Returns the reason why an archive with another extended header is invalid, if there is one. */
  findHeaderFault(content: string): string | undefined {
    if (++this.#headers > headersPerFile * this.#limits.maxFiles) return this.#tooManyFiles();
    return /^\d+ GNU\.sparse\./m.test(content) ? 'it contains a sparse file' : undefined;
  }

  /** Returns the reason why an entry must not be unpacked, if there is one. */
  findFault({ type, size, path: given, linkpath }: ReadEntry): string | undefined {
    const { maxBytes, maxFiles } = this.#limits;
    if (!Number.isSafeInteger(size) || size < 0) return 'the size of a file is invalid';
    this.#bytes += size;
    this.#files++;
    if (this.#bytes > maxBytes) return `it contains more than ${Math.floor(maxBytes / 2 ** 20)} MiB`;
    if (this.#files > maxFiles) return this.#tooManyFiles();
    const steps = stepsOf(given);
    const path = steps.join('/');
    return (
      this.#findPathFault(given, steps) ??
      (type === 'Directory' ? this.#addFolder(path) : this.#add(type, path, steps, linkpath ?? ''))
    );
  }

  #tooManyFiles(): string {
    return `it contains more than ${this.#limits.maxFiles} files`;
  }

  #findPathFault(given: string, steps: readonly string[]): string | undefined {
    const { maxPathLength, maxNameLength, maxDepth } = this.#limits;
    if (/^[/\\]|^[A-Za-z]:|\\|\0/.test(given)) return `the path ${shown(given)} is not relative`;
    if (steps.includes('..')) return `the path ${shown(given)} escapes the folder`;
    if (given.length > maxPathLength || steps.some((step) => Buffer.byteLength(step) > maxNameLength)) {
      return `the path ${shown(given)} is too long`;
    }
    if (steps.length > maxDepth) return `the path ${shown(given)} has more than ${maxDepth} levels`;
    const [first = ''] = steps;
    if (reserved.test(first)) return `the name ${shown(first)} is reserved`;
    for (let depth = 1; depth < steps.length; depth++) {
      const parent = steps.slice(0, depth).join('/');
      const fault = this.#addFolder(parent, steps.join('/'));
      if (fault) return fault;
    }
    return undefined;
  }

  /** Adds a folder, which may occur several times. `below` is the path that needs it. */
  #addFolder(path: string, below?: string): string | undefined {
    const known = this.#known.get(keyOf(path));
    if (!known) {
      if (path) this.#known.set(keyOf(path), { path, kind: 'folder' });
      return undefined;
    }
    if (known.path !== path) return collision(path, known.path);
    if (known.kind === 'folder') return undefined;
    return below ? `${shown(below)} is below ${shown(path)}, which is not a folder` : `${shown(path)} occurs twice`;
  }

  #add(type: string, path: string, steps: readonly string[], target: string): string | undefined {
    if (!path) return 'a file has no name';
    const known = this.#known.get(keyOf(path));
    if (known) return known.path === path ? `${shown(path)} occurs twice` : collision(path, known.path);
    this.#known.set(keyOf(path), { path, kind: type === 'SymbolicLink' ? 'link' : 'file' });
    if (type === 'SymbolicLink') {
      return escapes(target, steps.length - 1)
        ? `the link ${shown(path)} escapes the folder, to ${shown(target)}`
        : undefined;
    }
    if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile') return undefined;
    if (type !== 'Link') return unsupported(path, type);
    const linked = stepsOf(target).join('/');
    const { path: exact, kind } = this.#known.get(keyOf(linked)) ?? {};
    return linked !== path && exact === linked && kind === 'file'
      ? undefined
      : `${shown(path)} is a link to ${shown(target)}, which is not a file of the archive`;
  }
}

/** Returns the reason why an entry of another type is not unpacked. */
export function unsupported(path: string, type: string): string {
  return `${shown(path)} is a ${shown(type)}; only files, folders and links are allowed`;
}

/** Returns a name of an archive for a message: short, and without control, bidirectional and format characters. */
export function shown(name: string): string {
  return printable(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** Replaces control, bidirectional and format characters of a text. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step && step !== '.');
}

/** Key that is equal for paths that name the same file where case and Unicode normalization don't count. */
function keyOf(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

function collision(path: string, other: string): string {
  return `${shown(path)} and ${shown(other)} are the same file on systems that ignore case`;
}

/**
 * Reports whether the target of a link at a depth in the folder is outside of it. A `..` after a name may lead anywhere, as the name may
 * be a link itself.
 */
function escapes(target: string, depth: number): boolean {
  if (!target || /^[/\\]|^[A-Za-z]:|\\|\0/.test(target)) return true;
  const steps = stepsOf(target);
  const up = steps.findIndex((step) => step !== '..');
  const ups = up < 0 ? steps.length : up;
  return ups > depth || steps.slice(ups).includes('..');
}
