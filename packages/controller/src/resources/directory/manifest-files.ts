import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf, identityOf } from '../../files/fingerprint.ts';
import { findWritten } from '../../files/is-being-written.ts';
import { hasCode } from '../../files/system-error.ts';
import { findWriterVisibility } from '../../files/writer-visibility.ts';
import type { CheckedManifest, ManifestProblem } from '../manifest.ts';
import { describeKey, type JsonObject, keyOf, type Resource, type ResourceKey } from '../resource.ts';
import { hasLess } from './has-less.ts';
import { type ChangedContent, type FileChange, judgeChange, type SettleTimes, type Verdict } from './judge-change.ts';
import {
  doubtAbout,
  type FolderAbove,
  foldersAbove,
  type ListedFile,
  type Listing,
  listManifestFiles,
} from './list-manifest-files.ts';
import { type FileContent, readManifestFile } from './read-manifest-file.ts';

/** Result of a scan. */
export interface ScanResult {
  /** Delay before the next scan, in milliseconds, while files are changing. */
  again?: number;
  /** False while files are changing, other than those that are reported as a problem. */
  hasSettled: boolean;
  /** Problems of files and sub-folders, other than those of their content. */
  problems: ManifestProblem[];
  /** True if the directory has no manifest file. */
  isEmpty: boolean;
}

/** Content of a file that applies. */
export interface AcceptedContent extends FileContent {
  /** True if resources are kept that the file defined and no longer does. */
  keepsLost?: boolean;
}

/** Returns the resources that files defined, by path of the file. */
export type DefinedResources = () => ReadonlyMap<string, readonly Resource[]>;

/** Version of a file, as it was listed. `gone` for a missing file. */
type Version = ListedFile | typeof gone;

interface TrackedFile {
  /** Content that was accepted last; missing before the first one. */
  content?: AcceptedContent;
  /** Fingerprint of `content`. Missing when the file must be read again. */
  fingerprint?: string;
  /** Identity of the file, and the folders above it, when `content` was accepted or confirmed last. */
  identity?: string | undefined;
  folders?: readonly FolderAbove[];
  /** Later version of the file, since when it has had it, and its content once it was read. */
  candidate?: { fingerprint: string; since: number; content?: FileContent };
  /** Time of the first change after `content` was accepted. */
  changingSince?: number;
}

/** Fingerprint of a file that doesn't exist. */
const gone = 'gone';

/** Manifest files of a directory. The content of a changed file applies once `judgeChange` accepts it. */
export class ManifestFiles {
  readonly #directory: string;
  readonly #defined: DefinedResources;
  readonly #tracked = new Map<string, TrackedFile>();

  /** @param defined returns the resources that files defined, those of earlier operators included. Default: none. */
  constructor(directory: string, defined: DefinedResources = () => new Map()) {
    this.#directory = directory;
    this.#defined = defined;
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

  /** Returns the content of each file, sorted by path; `undefined` for a file whose content was not accepted yet. */
  contents(): Map<string, AcceptedContent | undefined> {
    const paths = [...this.#tracked.keys()].sort();
    return new Map(paths.map((path) => [path, this.#tracked.get(path)?.content]));
  }

  /** Reads and judges the files that have changed. Rejects when the directory can't be read; no content changes then. */
  async scan(times: SettleTimes): Promise<ScanResult> {
    const listing = await listManifestFiles(this.#directory);
    this.expect(listing.files.keys());
    const isEmpty = listing.files.size === 0;
    const result: ScanResult = { hasSettled: true, problems: this.#unreadableFolders(listing), isEmpty };
    const changed = await this.#readChanged(listing, times);
    if (changed.length === 0) return result;
    const writers = await this.#findWriters(changed);
    const former = this.#formerResources();
    for (const [path, version] of changed) {
      if (!this.#tracked.get(path)?.candidate) {
        // It was changed after the listing.
        const { changed: delay } = times;
        this.#apply(path, version, { verdict: 'wait', delay }, listing, result);
        continue;
      }
      const change = this.#describe(path, version, listing, former);
      this.#apply(path, version, judgeChange({ ...change, ...writers(version) }, times), listing, result);
    }
    return result;
  }

  /** Reads the files that have changed and have settled. Returns all that have changed. */
  async #readChanged(listing: Listing, times: SettleTimes): Promise<[path: string, version: Version][]> {
    const changed: [string, Version][] = [];
    const now = performance.now();
    for (const [path, file] of this.#tracked) {
      const version = listing.files.get(path) ?? gone;
      // A file below an unreadable folder isn't known to be gone.
      if (version === gone && isBelow(path, listing.unreadable)) continue;
      const fingerprint = fingerprintIn(version);
      if (file.fingerprint === fingerprint) {
        this.#confirm(file, path, version, listing);
        continue;
      }
      if (file.candidate?.fingerprint !== fingerprint) file.candidate = { fingerprint, since: now };
      file.changingSince ??= now;
      changed.push([path, version]);
    }
    for (const [path, version] of changed) {
      const candidate = this.#tracked.get(path)?.candidate;
      if (version === gone || !candidate || candidate.content || now - candidate.since < times.changed) continue;
      const content = await readManifestFile(join(this.#directory, path), version.fingerprint);
      if (content) candidate.content = content;
    }
    return changed;
  }

  /**
   * Finds out which of some files are being written. A file that was changed meanwhile loses its candidate: its writer may have ended
   * after the content was read.
   */
  async #findWriters(changed: readonly [path: string, version: Version][]) {
    const identities = changed.flatMap(([, version]) => identityIn(version) ?? []);
    const written = await findWritten(new Set(identities));
    const areVisible = await findWriterVisibility(this.#directory);
    await Promise.all(
      changed.map(async ([path, version]) => {
        const now = await fingerprintNow(join(this.#directory, path));
        if (now !== undefined && now !== fingerprintIn(version)) this.touch(path);
      }),
    );
    return (version: Version): Pick<FileChange, 'isBeingWritten' | 'areWritersVisible'> => {
      const stats = version === gone ? undefined : version.stats;
      return {
        isBeingWritten: stats !== undefined && written.has(identityOf(stats)),
        areWritersVisible: stats !== undefined && areVisible(stats),
      };
    };
  }

  #describe(
    path: string,
    version: Version,
    listing: Listing,
    former: (path: string) => FormerResources,
  ): Omit<FileChange, 'isBeingWritten' | 'areWritersVisible'> {
    const file = this.#tracked.get(path) ?? {};
    const now = performance.now();
    const { candidate, changingSince = now } = file;
    const { lost, resources } = former(path);
    return {
      kind: this.#kindOf(file, path, version, listing),
      unchangedFor: now - (candidate?.since ?? now),
      changingFor: now - changingSince,
      doubt: version === gone ? doubtAbout(path, file.folders ?? [], listing) : undefined,
      content: candidate?.content && describeContent(candidate.content, resources),
      lost: lost.map(describeKey),
    };
  }

  #kindOf(file: TrackedFile, path: string, version: Version, listing: Listing): FileChange['kind'] {
    if (version === gone) return 'gone';
    const { stats, isLink } = version;
    if (!stats || file.identity === undefined || file.identity === identityOf(stats)) return 'rewritten';
    // A rename, unlike a write, changes the time of the last change without that of the content.
    const folder = foldersAbove(path, listing).at(-1)?.identity;
    const isComplete = isLink || file.folders?.at(-1)?.identity !== folder || stats.ctimeNs > stats.mtimeNs;
    return isComplete ? 'replaced' : 'rewritten';
  }

  #apply(path: string, version: Version, verdict: Verdict, listing: Listing, result: ScanResult): void {
    const file = this.#tracked.get(path);
    const content = file?.candidate?.content;
    if (!file) return;
    if ('problem' in verdict && verdict.problem !== undefined) {
      result.problems.push({ file: join(this.#directory, path), message: verdict.problem });
    }
    switch (verdict.verdict) {
      case 'wait':
        result.again = Math.min(verdict.delay, result.again ?? Number.POSITIVE_INFINITY);
        result.hasSettled &&= verdict.problem !== undefined;
        break;
      case 'keep':
        // The candidate stays, so that the change is judged again when the resources are defined elsewhere.
        if (content) file.content = { ...content, keepsLost: true };
        break;
      default:
        if (version === gone) {
          this.#tracked.delete(path);
          return;
        }
        if (!content) return;
        file.content = content;
        file.fingerprint = version.fingerprint;
        this.#confirm(file, path, version, listing);
    }
  }

  /** Records where the accepted content of a file is. */
  #confirm(file: TrackedFile, path: string, version: Version, listing: Listing): void {
    delete file.candidate;
    delete file.changingSince;
    file.identity = identityIn(version);
    file.folders = foldersAbove(path, listing);
  }

  /** Returns a function that finds the resources that a file defined, and those of them that no file defines now. */
  #formerResources(): (path: string) => FormerResources {
    const defined = this.#defined();
    const current = new Set<ResourceKey>();
    for (const file of this.#tracked.values())
      for (const { key } of latestContent(file)?.manifests ?? []) current.add(key);
    return (path) => {
      const resources = new Map((defined.get(path) ?? []).map((resource) => [keyOf(resource), resource]));
      const manifests = this.#tracked.get(path)?.content?.manifests ?? [];
      const keys = new Set([...resources.keys(), ...manifests.map(({ key }) => key)]);
      return { resources, lost: [...keys].filter((key) => !current.has(key)) };
    };
  }

  #unreadableFolders({ unreadable }: Listing): ManifestProblem[] {
    return [...unreadable].map(([path, message]) => ({
      file: join(this.#directory, path),
      message: `The folder can't be read: ${message}. Resources that are defined below it keep their last state.`,
    }));
  }
}

/** Resources that a file defined. */
interface FormerResources {
  resources: ReadonlyMap<ResourceKey, Resource>;
  /** Keys of those that no file defines now. */
  lost: readonly ResourceKey[];
}

/** Returns the last content of a file that was read, accepted or not. */
function latestContent({ candidate, content }: TrackedFile): FileContent | undefined {
  return candidate?.fingerprint === gone ? undefined : (candidate?.content ?? content);
}

function describeContent(content: FileContent, before: ReadonlyMap<ResourceKey, Resource>): ChangedContent {
  const last = content.manifests.at(-1);
  return {
    isBroken: content.problems.length > 0,
    isEmpty: content.manifests.length === 0,
    end: content.end,
    hasShorterEnd: last !== undefined && hasLess(contentOf(last.manifest), contentOf(before.get(last.key))),
  };
}

/** Returns what a manifest defines of a resource. */
function contentOf(resource: Resource | CheckedManifest | undefined): JsonObject | undefined {
  if (!resource) return undefined;
  const { metadata, status: _, ...rest } = resource;
  return { ...rest, labels: metadata.labels, annotations: metadata.annotations };
}

function fingerprintIn(version: Version): string {
  return version === gone ? gone : version.fingerprint;
}

function identityIn(version: Version): string | undefined {
  return version === gone || !version.stats ? undefined : identityOf(version.stats);
}

/** Returns the fingerprint of a file now; `undefined` if its metadata can't be read. */
async function fingerprintNow(file: string): Promise<string | undefined> {
  try {
    const stats = await stat(file, { bigint: true });
    return stats.isFile() ? fingerprintOf(stats) : gone;
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ENOTDIR') ? gone : undefined;
  }
}

function isBelow(path: string, folders: ReadonlyMap<string, unknown>): boolean {
  return [...folders.keys()].some((folder) => path.startsWith(`${folder}/`));
}
