import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { messageOf } from '../errors.ts';
import { documentOptions, findDocumentFault, mostAliases } from './check-document.ts';
import { type CheckedManifest, checkManifest } from './check-manifest.ts';
import { formatPath, isJsonObject } from './json.ts';
import { locate } from './locate.ts';
import { describeReference, formatKey, type ResourceKey } from './resource.ts';

export type { CheckedManifest, Manifest } from './check-manifest.ts';

/** How much YAML is read at once, in bytes or characters. Parsing takes a hundred times the memory of the text. */
export const largestManifestFile = 4 * 1024 * 1024;

/** A manifest, and where it stands. */
export interface ParsedManifest {
  manifest: CheckedManifest;
  key: ResourceKey;
  line: number;
  column: number;
}

/** Why a file, or a part of it, can't be used. Lines and columns count from 1. */
export interface ManifestProblem {
  file: string;
  line?: number;
  column?: number;
  message: string;
}

/** What is in a file: the manifests that are sound, in order, and what is wrong with the others. */
export interface ManifestFile {
  manifests: ParsedManifest[];
  problems: ManifestProblem[];
}

interface Source {
  file: string;
  lines: LineCounter;
}

/**
 * Reads the manifests in YAML or JSON text of any number of documents. Lists (`kind: List`) are unpacked. Never throws: what
 * can't be read is among the problems, with its line. YAML is 1.2, so there are neither merge keys nor tags.
 */
export function parseManifests(content: string, { file }: { file: string }): ManifestFile {
  if (content.length > largestManifestFile) return { manifests: [], problems: [{ file, message: tooLarge }] };
  const result: ManifestFile = { manifests: [], problems: [] };
  const lines = new LineCounter();
  const documents = parseAllDocuments(content, { ...documentOptions, lineCounter: lines });
  // Nothing but comments yields one empty stream in place of documents.
  if ('empty' in documents) return result;
  for (const document of documents) readDocument(document, { file, lines }, result);
  return result;
}

/** Said of a file that isn't read at all. */
export const tooLarge = `The file is larger than ${largestManifestFile / 1024 / 1024} MiB; split it.`;

function readDocument(document: Document.Parsed, source: Source, result: ManifestFile): void {
  const { contents } = document;
  try {
    const fault = findDocumentFault(document);
    if (fault) {
      const message = `This is not sound YAML: ${fault.message}.`;
      result.problems.push({ ...position(fault.offset, source), message });
    } else if (contents && !(isScalar(contents) && contents.value === null)) {
      readNode(document.toJS({ maxAliasCount: mostAliases }), contents, source, result);
    }
  } catch (error) {
    // An alias without an anchor, aliases that would expand without end, or nesting that is too deep to follow.
    const at = position(contents?.range[0] ?? 0, source);
    result.problems.push({ ...at, message: `This can't be read: ${messageOf(error)}.` });
  }
}

function readNode(value: unknown, node: Node | null, source: Source, result: ManifestFile): void {
  const { kind, items } = isJsonObject(value) ? value : {};
  if (kind === 'List' && Array.isArray(items)) {
    const sequence = isMap(node) ? node.get('items', true) : undefined;
    for (const [index, item] of items.entries()) {
      const itemNode = isSeq<Node>(sequence) ? sequence.items[index] : undefined;
      readNode(item, itemNode ?? node, source, result);
    }
    return;
  }
  const { manifest, fault } = checkManifest(value);
  if (fault) {
    const subject = formatPath(fault.path) || 'This';
    const message = `${describe(value)}${subject} ${fault.message}.`;
    result.problems.push({ ...position(locate(node, fault.path), source), message });
    return;
  }
  const { apiVersion, metadata } = manifest;
  const key = formatKey({ apiVersion, kind: manifest.kind, namespace: metadata.namespace, name: metadata.name });
  const { line, column } = position(locate(node, []), source);
  result.manifests.push({ manifest, key, line, column });
}

function position(offset: number, { file, lines }: Source): { file: string; line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { file, line, column: col };
}

/** As much of a manifest that isn't one as can be named. */
function describe(value: unknown): string {
  const { kind, metadata } = isJsonObject(value) ? value : {};
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  if (typeof kind !== 'string' || typeof name !== 'string') return '';
  const reference = { apiVersion: '', kind, namespace: typeof namespace === 'string' ? namespace : '', name };
  return `${describeReference(reference)}: `;
}
