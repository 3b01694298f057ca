import { locate } from '@kplug/protocol';
import { isMap, isSeq, LineCounter, type Node } from 'yaml';
import type { TextPosition } from '../files/read-yaml-file.ts';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { finish } from '../queue/slices.ts';
import { type CheckedManifest, checkManifest } from './check-manifest.ts';
import { formatPath, isJsonObject } from './json.ts';
import { describeReference, formatKey, type JsonObject, type ResourceKey } from './resource.ts';
import { readKubectlYaml } from './yaml/read-kubectl.ts';

export type { CheckedManifest, Manifest } from './check-manifest.ts';

/** Maximum size of a manifest file, in bytes or characters. Parsing takes a hundred times the memory of the text. */
export const { maxManifestSize } = limits.resources;
const { maxFileProblems } = limits.directory;

/** Manifest with its position. */
export interface ParsedManifest {
  manifest: CheckedManifest;
  /** State of the resource, if the text has it, as the output of `kubectl get -o yaml` does. */
  observed: ObservedState;
  key: ResourceKey;
  line: number;
  column: number;
}

/** Fields that the API server and controllers set. */
export interface ObservedState {
  status?: JsonObject;
  generation?: number;
}

/** Problem of a file or of a part of it. Lines and columns count from 1. */
export interface ManifestProblem {
  file: string;
  line?: number;
  column?: number;
  message: string;
}

/** Content of a file: its valid manifests, in order, and its problems. */
export interface ManifestFile {
  manifests: ParsedManifest[];
  problems: ManifestProblem[];
}

/**
 * Parses the manifests in a YAML or JSON text of any number of documents. Lists (`kind: List`) are unpacked. Never throws: errors are
 * among the problems, with their position. A text means what it means to `kubectl apply`.
 */
export function parseManifests(content: string, options: { file: string }): ManifestFile {
  return finish(parseManifestsInSteps(content, options));
}

/** Parses the manifests in a text as `parseManifests` does. Yields where the caller may let other work run. */
export function parseManifestsInSteps(content: string, { file }: { file: string }): Generator<undefined, ManifestFile> {
  return readInSteps(content, file, readManifest);
}

/** Object of a text that may be a manifest: a document, or an item of a list. */
export interface VisitedObject {
  /** Value as it is in the text, with all its fields. */
  value: unknown;
  /** Returns the position of a field; if it doesn't exist, that of the longest existing part of its path. */
  positionOf(path: readonly (string | number)[]): TextPosition;
}

/**
 * Visits the objects in a text that `parseManifests` would read as manifests, in order, valid or not. Returns the problems for which parts
 * of the text can't be read. Never throws, unless the visitor does.
 *
 * @param visit returns true for an object that is no manifest: the rest of a text with very many of these isn't read.
 */
export function visitManifests(
  content: string,
  { file }: { file: string },
  visit: (object: VisitedObject) => boolean,
): ManifestProblem[] {
  const read = (value: unknown, node: Node | null, result: FileResult) => {
    if (visit({ value, positionOf: (path) => result.positionOf(locate(node, path)) })) result.countProblem();
  };
  return finish(readInSteps(content, file, read)).problems;
}

/** Reads an object of a text. */
type ReadObject = (value: unknown, node: Node | null, result: FileResult) => void;

function* readInSteps(content: string, file: string, read: ReadObject): Generator<undefined, ManifestFile> {
  if (content.length > maxManifestSize) return { manifests: [], problems: [{ file, message: tooLarge }] };
  const lines = new LineCounter();
  const result = new FileResult(file, lines);
  for (const document of readKubectlYaml(content, lines)) {
    if (document?.fault) result.addProblem(document.fault.offset, `Invalid YAML: ${document.fault.message}.`);
    else if (document) yield* readObjects(document.value, document.node, { result, read });
    if (result.hasTooManyProblems) break;
    yield undefined;
  }
  return result.finish();
}

/** Message for a file above the maximum size. */
export const tooLarge = `The file is larger than ${maxManifestSize / MiB} MiB; split it.`;

/** Manifests and problems of a file that is being read. */
class FileResult {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #manifests: ParsedManifest[] = [];
  readonly #problems: ManifestProblem[] = [];
  #countedProblems = 0;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  addProblem(offset: number, message: string): void {
    this.#problems.push({ file: this.#file, ...this.positionOf(offset), message });
  }

  /** Counts a problem that the reader of the objects reports. */
  countProblem(): void {
    this.#countedProblems += 1;
  }

  addManifest(offset: number, manifest: CheckedManifest, observed: ObservedState): void {
    const { apiVersion, kind, metadata } = manifest;
    const key = formatKey({ apiVersion, kind, namespace: metadata.namespace, name: metadata.name });
    const { line, column } = this.positionOf(offset);
    this.#manifests.push({ manifest, observed, key, line, column });
  }

  /** Reports whether the rest of the file is not to be read. */
  get hasTooManyProblems(): boolean {
    return this.#problems.length + this.#countedProblems >= maxFileProblems;
  }

  finish(): ManifestFile {
    const problems = this.#problems.slice(0, maxFileProblems);
    if (this.hasTooManyProblems)
      problems.push({ file: this.#file, message: 'The file has too many problems; the rest of it is not read.' });
    return { manifests: this.#manifests, problems };
  }

  positionOf(offset: number): TextPosition {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

/** Reads an object, or each one of a list. Yields after each. */
function* readObjects(
  value: unknown,
  node: Node | null,
  target: { result: FileResult; read: ReadObject },
): Generator<undefined, void> {
  const { kind, items } = isJsonObject(value) ? value : {};
  if (kind !== 'List' || !Array.isArray(items)) {
    target.read(value, node, target.result);
    yield undefined;
    return;
  }
  const sequence = isMap(node) ? node.get('items', true) : undefined;
  for (const [index, item] of items.entries()) {
    const itemNode = isSeq<Node>(sequence) ? sequence.items[index] : undefined;
    yield* readObjects(item, itemNode ?? node, target);
    if (target.result.hasTooManyProblems) return;
  }
}

function readManifest(value: unknown, node: Node | null, result: FileResult): void {
  const { manifest, fault } = checkManifest(value);
  if (manifest) result.addManifest(locate(node, []), manifest, readObserved(value));
  else {
    const subject = formatPath(fault.path) || 'This';
    result.addProblem(locate(node, fault.path), `${describe(value)}${subject} ${fault.message}.`);
  }
}

function readObserved(value: unknown): ObservedState {
  const { status, metadata } = isJsonObject(value) ? value : {};
  const { generation } = isJsonObject(metadata) ? metadata : {};
  return {
    ...(isJsonObject(status) && { status }),
    ...(typeof generation === 'number' && { generation }),
  };
}

/** Names the resource of an invalid manifest, as far as possible. */
function describe(value: unknown): string {
  const { kind, metadata } = isJsonObject(value) ? value : {};
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  if (typeof kind !== 'string' || typeof name !== 'string') return '';
  const reference = { apiVersion: '', kind, namespace: typeof namespace === 'string' ? namespace : '', name };
  return `${describeReference(reference)}: `;
}
