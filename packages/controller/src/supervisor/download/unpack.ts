import { createReadStream, type Stats } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { x as extract, t as list, type ReadEntry } from 'tar';
import { messageOf } from '../../errors.ts';
import { DownloadFailure } from './download-failure.ts';

/** How much an archive may hold. */
export interface UnpackLimits {
  /** All files together, in bytes. */
  maxBytes: number;
  /** Files, folders and links together. */
  mostFiles: number;
}

const deepest = 64;

/**
 * Unpacks an archive into a folder that is empty. Nothing of it gets out of there: an archive with an absolute path, a `..`, a link
 * that leads out, a device, or more than is allowed is refused before anything is written. Rejects with a `DownloadFailure`.
 */
export async function unpack(archive: string, folder: string, limits: UnpackLimits): Promise<void> {
  try {
    await check(archive, limits);
    const unpacking = extract({
      cwd: folder,
      strict: true,
      preserveOwner: false,
      maxDepth: deepest,
      filter: dropRights,
    });
    await pipeline(createReadStream(archive), unpacking);
  } catch (cause) {
    throw cause instanceof DownloadFailure ? cause : refused(archive, messageOf(cause), cause);
  }
}

/** Goes through an archive before anything of it is written. */
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

/** Nobody gets another's rights by running what was unpacked. */
function dropRights(_: string, entry: Stats | ReadEntry): boolean {
  if (entry.mode !== undefined) entry.mode &= 0o777;
  return true;
}

/** Looks at the entries of an archive one by one. */
class ArchiveCheck {
  readonly #limits: UnpackLimits;
  readonly #kinds = new Map<string, 'link' | 'other'>();
  #bytes = 0;
  #files = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  /** Why an entry must not be unpacked. */
  findFault(entry: ReadEntry): string | undefined {
    const { type, size } = entry;
    this.#bytes += size;
    this.#files++;
    const { maxBytes, mostFiles } = this.#limits;
    if (this.#bytes > maxBytes) return `it holds more than ${Math.floor(maxBytes / 2 ** 20)} MiB`;
    if (this.#files > mostFiles) return `it holds more than ${mostFiles} files`;
    if (/^[/\\]|^[A-Za-z]:|\\|\0/.test(entry.path)) return `the path ${entry.path} is not below the folder`;
    const steps = entry.path.split('/').filter((step) => step && step !== '.');
    if (steps.includes('..')) return `the path ${entry.path} leads out of the folder`;
    const path = steps.join('/');
    if (type === 'Directory') return this.#findPathFault(steps, path, true);
    const fault = this.#findPathFault(steps, path, false);
    if (fault) return fault;
    return this.#findKindFault(entry, steps, path);
  }

  #findKindFault({ type, linkpath = '' }: ReadEntry, steps: readonly string[], path: string): string | undefined {
    if (type === 'SymbolicLink') {
      this.#kinds.set(path, 'link');
      return leadsOut(linkpath, steps.length - 1)
        ? `the link ${path} leads out of the folder, to ${linkpath}`
        : undefined;
    }
    this.#kinds.set(path, 'other');
    if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile') return undefined;
    if (type !== 'Link') return `${path} is a ${type}; only files, folders and links are taken`;
    const target = linkpath
      .split('/')
      .filter((step) => step && step !== '.')
      .join('/');
    return this.#kinds.get(target) === 'other'
      ? undefined
      : `${path} is a link to ${linkpath}, which is no file of the archive`;
  }

  /** What would be written through a link, or over what came before. */
  #findPathFault(steps: readonly string[], path: string, isFolder: boolean): string | undefined {
    for (let depth = 1; depth < steps.length; depth++) {
      const parent = steps.slice(0, depth).join('/');
      if (this.#kinds.has(parent)) return `${path} is below ${parent}, which is no folder`;
    }
    if (!isFolder && !path) return 'a file has no name';
    return this.#kinds.has(path) ? `${path} is there twice` : undefined;
  }
}

/**
 * Whether the target of a link gets out of the folder, as seen from a depth in it. A `..` after a name may lead anywhere, as the name
 * may be a link itself.
 */
function leadsOut(target: string, depth: number): boolean {
  if (!target || /^[/\\]|^[A-Za-z]:|\\/.test(target)) return true;
  const steps = target.split('/').filter((step) => step && step !== '.');
  const up = steps.findIndex((step) => step !== '..');
  const ups = up < 0 ? steps.length : up;
  return ups > depth || steps.slice(ups).includes('..');
}

function refused(archive: string, why: string, cause?: unknown): DownloadFailure {
  return new DownloadFailure('DownloadFailed', `${archive} is no sound archive: ${why}`, true, { cause });
}
