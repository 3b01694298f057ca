import { join } from 'node:path';
import type { ManifestFile, ManifestProblem } from '../manifest.ts';
import { emptyFingerprint, listManifestFiles } from './list-manifest-files.ts';
import { readManifestFile } from './read-manifest-file.ts';

/** How long files have to stay as they are before they are believed, in milliseconds. */
export interface SettlingTimes {
  /** A file that was changed. */
  changed: number;
  /** A file that is empty or gone, as files are for a moment while some programs save them. */
  vanished: number;
}

/** What a look at a directory found. */
export interface Look {
  /** When to look again, as something is changing, in milliseconds. Missing: nothing is. */
  again?: number;
  /** Sub-folders that can't be looked into. */
  problems: ManifestProblem[];
}

interface TrackedFile {
  /** What was read last; missing before anything was. */
  content?: ManifestFile;
  /** The fingerprint of what was read last. Missing: to be read again. */
  fingerprint?: string;
  /** Something else than what was read last, and since when it has been there. */
  candidate?: { fingerprint: string; since: number };
}

const gone = 'gone';

/** The manifest files of a directory, each read once it has settled. */
export class ManifestFiles {
  readonly #directory: string;
  readonly #tracked = new Map<string, TrackedFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Expects files to be there, so that one that isn't counts as vanished. */
  expect(paths: Iterable<string>): void {
    for (const path of paths) if (!this.#tracked.has(path)) this.#tracked.set(path, {});
  }

  /** Notes that something was done to a file, so that it is read again although it looks the same. */
  touch(path: string): void {
    const file = this.#tracked.get(path);
    delete file?.fingerprint;
    delete file?.candidate;
  }

  /** What each file holds, by path and in their order; `undefined` for one that was expected and couldn't be read yet. */
  contents(): Map<string, ManifestFile | undefined> {
    const paths = [...this.#tracked.keys()].sort();
    return new Map(paths.map((path) => [path, this.#tracked.get(path)?.content]));
  }

  /** Reads what has changed and settled. Rejects when the directory can't be read, and nothing has changed then. */
  async look(settling: SettlingTimes): Promise<Look> {
    const { fingerprints, unreadable } = await listManifestFiles(this.#directory);
    this.expect(fingerprints.keys());
    const waits: number[] = [];
    for (const [path, file] of this.#tracked) {
      const fingerprint = fingerprints.get(path) ?? gone;
      // What is below a folder that can't be read isn't known to be gone.
      if (fingerprint === gone && isBelow(path, unreadable)) continue;
      const wait = this.#timeLeft(file, fingerprint, settling);
      if (wait > 0) waits.push(wait);
      else if (fingerprint === gone) this.#tracked.delete(path);
      else if (file.candidate && !(await this.#read(path, file, fingerprint))) waits.push(settling.changed);
    }
    const problems = [...unreadable].map(([path, message]) => ({
      file: join(this.#directory, path),
      message: `The folder can't be read: ${message}. What is defined below it stays as it was.`,
    }));
    return { problems, ...(waits.length > 0 && { again: Math.min(...waits) }) };
  }

  /** How long until a file has settled. One that is as it was read has, and is no candidate for reading. */
  #timeLeft(file: TrackedFile, fingerprint: string, settling: SettlingTimes): number {
    if (file.fingerprint === fingerprint) {
      delete file.candidate;
      return 0;
    }
    const now = performance.now();
    if (file.candidate?.fingerprint !== fingerprint) file.candidate = { fingerprint, since: now };
    const vanished = fingerprint === gone || fingerprint === emptyFingerprint;
    return Math.max(0, file.candidate.since + (vanished ? settling.vanished : settling.changed) - now);
  }

  /** Reads a file, and says whether it stayed the same while it was read. */
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
