import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { findManifestFiles, type ManifestProblem } from '@kplug/controller/directory';
import { tooLarge, visitManifests } from '@kplug/controller/tools';
import { describeReadError, readManifestBytes } from '../input/read-manifest-bytes.ts';
import { documentOf, type InputDocument } from './document.ts';
import type { DocumentFault, ValidationFinding } from './finding.ts';

/** Files of other tools that are no manifests although they are among them. */
const otherFiles = /^kustomization\.ya?ml$/i;

/** Documents of files, and the problems for which others could not be read. */
export interface Input {
  /** Files that were read, in order. */
  files: string[];
  documents: InputDocument[];
  problems: ValidationFinding[];
}

/** Options of `InputReader`. */
export interface InputOptions {
  /** Namespace of manifests that state none. */
  namespace: string;
  /** Files that are no manifests, by their absolute path. */
  skipped: ReadonlySet<string>;
}

/** Reads files, directories and standard input (`-`), each file once. Keeps the texts, to find the positions of faults in them. */
export class InputReader {
  readonly #options: InputOptions;
  readonly #texts = new Map<string, string>();
  readonly #seen = new Set<string>();

  constructor(options: InputOptions) {
    this.#options = options;
  }

  /** Reads what is not read yet of some paths. Never rejects: what can't be read is among the problems. */
  async read(paths: readonly string[]): Promise<Input> {
    const input: Input = { files: [], documents: [], problems: [] };
    for (const path of paths) {
      for (const file of await this.#filesOf(path, input)) {
        const absolute = file === '-' ? '-' : resolve(file);
        if (this.#seen.has(absolute)) continue;
        this.#seen.add(absolute);
        await this.#readFile(file, input);
        // A timer that shows the progress may be due.
        await letOthersRun();
      }
    }
    return input;
  }

  /** Returns findings for the faults of documents, with their positions. */
  locate(faults: ReadonlyMap<InputDocument, readonly DocumentFault[]>): ValidationFinding[] {
    const byFile = Map.groupBy(faults.keys(), ({ file }) => file);
    return [...byFile].flatMap(([file, documents]) => {
      const byIndex = new Map(documents.map((document) => [document.index, document]));
      const found: ValidationFinding[] = [];
      let index = 0;
      visitManifests(this.#texts.get(file) ?? '', { file }, ({ positionOf }) => {
        const document = byIndex.get(index);
        index += 1;
        if (!document) return false;
        for (const { check, severity, path, message } of faults.get(document) ?? []) {
          const { resource } = document;
          found.push({
            file,
            ...positionOf(path),
            severity,
            check,
            ...(resource !== undefined && { resource }),
            message,
          });
        }
        return false;
      });
      return found;
    });
  }

  async #filesOf(path: string, { problems }: Input): Promise<string[]> {
    if (path === '-') return [path];
    if (this.#options.skipped.has(resolve(path))) return [];
    try {
      if (!(await stat(path)).isDirectory()) return [path];
      const found = await findManifestFiles(path);
      problems.push(...found.problems.map(unreadable));
      return found.files.filter(
        (file) => !this.#options.skipped.has(resolve(file)) && !otherFiles.test(basename(file)),
      );
    } catch (error) {
      problems.push(unreadable({ file: path, message: describeReadError(error) }));
      return [];
    }
  }

  async #readFile(file: string, input: Input): Promise<void> {
    input.files.push(file);
    const text = await readText(file);
    if (typeof text !== 'string') {
      input.problems.push(unreadable({ file, message: text.fault }));
      return;
    }
    this.#texts.set(file, text);
    let index = 0;
    const problems = visitManifests(text, { file }, ({ value, positionOf }) => {
      const document = documentOf(value, { file, index, ...positionOf([]) }, this.#options.namespace);
      input.documents.push(document);
      index += 1;
      return document.manifest === undefined;
    });
    input.problems.push(...problems.map(unreadable));
  }
}

async function readText(file: string): Promise<string | { fault: string }> {
  try {
    const bytes = await readManifestBytes(file);
    if (!bytes) return { fault: tooLarge };
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return { fault: 'the file is not UTF-8 text' };
    return { fault: `the file can't be read: ${describeReadError(error)}` };
  }
}

function unreadable({ message, ...place }: ManifestProblem): ValidationFinding {
  return { ...place, severity: 'error', check: 'Unreadable', message: message.replace(/\.$/, '') };
}
