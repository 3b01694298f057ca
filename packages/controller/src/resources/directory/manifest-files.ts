import { join } from 'node:path';
import { emptyFingerprint } from '../../files/fingerprint.ts';
import type { ManifestFile, ManifestProblem } from '../manifest.ts';
import { listManifestFiles } from './list-manifest-files.ts';
import { readManifestFile } from './read-manifest-file.ts';

/** Times that files must stay unchanged before they are read, in milliseconds. */
export interface SettleTimes {
  /** Time for a file that was changed. */
  changed: number;
  /** Time for a file that is empty or gone, as files are for a moment while some programs save them. */
  vanished: number;
}

/** Result of a scan. */
export interface ScanResult {
  /** Delay before the next scan, in milliseconds, while files are settling. Missing when all have settled. */
  again?: number;
  /** Sub-folders that can't be read. */
  problems: ManifestProblem[];
}

interface TrackedFile {
  /** Content that was read last; missing before the first read. */
  content?: ManifestFile;
  /** Fingerprint of `content`. Missing when the file must be read again. */
  fingerprint?: string;
  /** Fingerprint of a later content, and the time since when the file has had it. */
  candidate?: { fingerprint: string; since: number };
}

/** Fingerprint of a file that doesn't exist. */
const gone = 'gone';

/** Manifest files of a directory, each read once it has settled. */
export class ManifestFiles {
  readonly #directory: string;
  readonly #tracked = new Map<string, TrackedFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Tracks files that should exist, so that a missing one counts as vanished. */
  expect(paths: Iterable<string>): void {
    for (const path of paths) if (!this.#tracked.has(path)) this.#tracked.set(path, {});
  }

  /** Marks a file as changed, so that it is read again even if its fingerprint is the same. */
  touch(path: string): void {
    const file = this.#tracked.get(path);
    delete file?.fingerprint;
    delete file?.candidate;
  }

  /** Returns the content of each file, sorted by path; `undefined` for a file that couldn't be read yet. */
  contents(): Map<string, ManifestFile | undefined> {
    const paths = [...this.#tracked.keys()].sort();
    return new Map(paths.map((path) => [path, this.#tracked.get(path)?.content]));
  }

  /** Reads the files that have changed and settled. Rejects when the directory can't be read; no content changes then. */
  async scan(settleTimes: SettleTimes): Promise<ScanResult> {
    const { fingerprints, unreadable } = await listManifestFiles(this.#directory);
    this.expect(fingerprints.keys());
    const waits: number[] = [];
    for (const [path, file] of this.#tracked) {
      const fingerprint = fingerprints.get(path) ?? gone;
      // A file below an unreadable folder isn't known to be gone.
      if (fingerprint === gone && isBelow(path, unreadable)) continue;
      const wait = this.#timeLeft(file, fingerprint, settleTimes);
      if (wait > 0) waits.push(wait);
      else if (fingerprint === gone) this.#tracked.delete(path);
      else if (file.candidate && !(await this.#read(path, file, fingerprint))) waits.push(settleTimes.changed);
    }
    const problems = [...unreadable].map(([path, message]) => ({
      file: join(this.#directory, path),
      message: `The folder can't be read: ${message}. Resources that are defined below it keep their last state.`,
    }));
    return { problems, ...(waits.length > 0 && { again: Math.min(...waits) }) };
  }

  /** Returns the time until a file has settled, in milliseconds; 0 for a file that hasn't changed since it was read. */
  #timeLeft(file: TrackedFile, fingerprint: string, settleTimes: SettleTimes): number {
    if (file.fingerprint === fingerprint) {
      delete file.candidate;
      return 0;
    }
    const now = performance.now();
    if (file.candidate?.fingerprint !== fingerprint) file.candidate = { fingerprint, since: now };
    const vanished = fingerprint === gone || fingerprint === emptyFingerprint;
    return Math.max(0, file.candidate.since + (vanished ? settleTimes.vanished : settleTimes.changed) - now);
  }

  /** Reads a file. Returns false when it changed meanwhile. */
  async #read(path: string, file: TrackedFile, fingerprint: string): Promise<boolean> {
    const { candidate } = file;
    const content = await readManifestFile(join(this.#directory, path), fingerprint);
    if (!content || file.candidate !== candidate) return false;
    file.content = content;
    file.fingerprint = fingerprint;
    delete file.candidate;
    return true;
  }
}

function isBelow(path: string, folders: ReadonlyMap<string, unknown>): boolean {
  return [...folders.keys()].some((folder) => path.startsWith(`${folder}/`));
}
