import { createReadStream, type Stats } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { x as extract, t as list, type ReadEntry } from 'tar';
import { messageOf } from '../../errors.ts';
import { MiB } from '../../limits/limit.ts';
import { limits } from '../../limits/limits.ts';
import { DownloadFailure } from './download-failure.ts';

/** Limits of an archive's content. */
export interface UnpackLimits {
  /** Maximum size of all files together, in bytes. */
  maxBytes: number;
  /** Maximum number of files, folders and links together. */
  maxFiles: number;
}

const { maxDepth } = limits.downloads;

/**
 * Unpacks an archive into an empty folder. An archive is refused before anything is written if it contains an absolute path, `..`, a link
 * out of the folder or a device, or exceeds the limits. Rejects with a `DownloadFailure`.
 */
export async function unpack(archive: string, folder: string, limits: UnpackLimits): Promise<void> {
  try {
    await check(archive, limits);
    const unpacking = extract({
      cwd: folder,
      strict: true,
      preserveOwner: false,
      maxDepth,
      filter: dropSpecialModes,
    });
    await pipeline(createReadStream(archive), unpacking);
  } catch (cause) {
    throw cause instanceof DownloadFailure ? cause : refused(archive, messageOf(cause), cause);
  }
}

/** Checks all entries of an archive. */
async function check(archive: string, limits: UnpackLimits): Promise<void> {
  const entries = new ArchiveCheck(limits);
  const stopping = new AbortController();
  const onReadEntry = (entry: ReadEntry) => {
    const fault = entries.findFault(entry);
    if (fault) stopping.abort(refused(archive, fault));
  };
  const { signal } = stopping;
  await pipeline(createReadStream(archive), list({ strict: true, onReadEntry }), { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error;
  });
  signal.throwIfAborted();
}

/** Removes setuid, setgid and sticky bits. */
function dropSpecialModes(_: string, entry: Stats | ReadEntry): boolean {
  if (entry.mode !== undefined) entry.mode &= 0o777;
  return true;
}

/** Checks the entries of an archive one by one. */
class ArchiveCheck {
  readonly #limits: UnpackLimits;
  readonly #kinds = new Map<string, 'link' | 'other'>();
  #bytes = 0;
  #files = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  /** Returns the reason why an entry must not be unpacked, if there is one. */
  findFault(entry: ReadEntry): string | undefined {
    const { type, size } = entry;
    this.#bytes += size;
    this.#files++;
    const { maxBytes, maxFiles } = this.#limits;
    if (this.#bytes > maxBytes) return `it contains more than ${Math.floor(maxBytes / MiB)} MiB`;
    if (this.#files > maxFiles) return `it contains more than ${maxFiles} files`;
    if (/^[/\\]|^[A-Za-z]:|\\|\0/.test(entry.path)) return `the path ${entry.path} is not relative`;
    const steps = entry.path.split('/').filter((step) => step && step !== '.');
    if (steps.includes('..')) return `the path ${entry.path} escapes the folder`;
    const path = steps.join('/');
    if (type === 'Directory') return this.#findPathFault(steps, path, true);
    const fault = this.#findPathFault(steps, path, false);
    if (fault) return fault;
    return this.#findKindFault(entry, steps, path);
  }

  #findKindFault({ type, linkpath = '' }: ReadEntry, steps: readonly string[], path: string): string | undefined {
    if (type === 'SymbolicLink') {
      this.#kinds.set(path, 'link');
      return escapes(linkpath, steps.length - 1) ? `the link ${path} escapes the folder, to ${linkpath}` : undefined;
    }
    this.#kinds.set(path, 'other');
    if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile') return undefined;
    if (type !== 'Link') return `${path} is a ${type}; only files, folders and links are allowed`;
    const target = linkpath
      .split('/')
      .filter((step) => step && step !== '.')
      .join('/');
    return this.#kinds.get(target) === 'other'
      ? undefined
      : `${path} is a link to ${linkpath}, which is not a file of the archive`;
  }

  /** Returns the reason why a path would be written through a link, or over an earlier entry. */
  #findPathFault(steps: readonly string[], path: string, isFolder: boolean): string | undefined {
    for (let depth = 1; depth < steps.length; depth++) {
      const parent = steps.slice(0, depth).join('/');
      if (this.#kinds.has(parent)) return `${path} is below ${parent}, which is not a folder`;
    }
    if (!isFolder && !path) return 'a file has no name';
    return this.#kinds.has(path) ? `${path} occurs twice` : undefined;
  }
}

/**
 * Reports whether the target of a link at a depth in the folder is outside of it. A `..` after a name may lead anywhere, as the name may
 * be a link itself.
 */
function escapes(target: string, depth: number): boolean {
  if (!target || /^[/\\]|^[A-Za-z]:|\\/.test(target)) return true;
  const steps = target.split('/').filter((step) => step && step !== '.');
  const up = steps.findIndex((step) => step !== '..');
  const ups = up < 0 ? steps.length : up;
  return ups > depth || steps.slice(ups).includes('..');
}

function refused(archive: string, reason: string, cause?: unknown): DownloadFailure {
  return new DownloadFailure('DownloadFailed', `invalid archive ${archive}: ${reason}`, true, { cause });
}
