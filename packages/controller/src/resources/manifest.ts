import { isMap, isSeq, type LineCounter, type Node } from 'yaml';
import { MiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { type CheckedManifest, checkManifest } from './check-manifest.ts';
import { formatPath, isJsonObject } from './json.ts';
import { locate } from './locate.ts';
import { describeReference, formatKey, type ResourceKey } from './resource.ts';
import { readKubectlYaml } from './yaml/read-kubectl.ts';

export type { CheckedManifest, Manifest } from './check-manifest.ts';

/** Maximum size of a manifest file, in bytes or characters. Parsing takes a hundred times the memory of the text. */
export const { maxManifestSize } = limits.resources;

/** Manifest with its position. */
export interface ParsedManifest {
  manifest: CheckedManifest;
  key: ResourceKey;
  line: number;
  column: number;
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

interface Source {
  file: string;
  lines: LineCounter;
}

/**
 * Parses the manifests in a YAML or JSON text of any number of documents. Lists (`kind: List`) are unpacked. Never throws: errors are
 * among the problems, with their position. A text means what it means to `kubectl apply`.
 */
export function parseManifests(content: string, { file }: { file: string }): ManifestFile {
  if (content.length > maxManifestSize) return { manifests: [], problems: [{ file, message: tooLarge }] };
  const result: ManifestFile = { manifests: [], problems: [] };
  const { documents, lines } = readKubectlYaml(content);
  for (const { fault, value, node } of documents) {
    if (fault)
      result.problems.push({ ...position(fault.offset, { file, lines }), message: `Invalid YAML: ${fault.message}.` });
    else readManifest(value, node, { file, lines }, result);
  }
  return result;
}

/** Message for a file above the maximum size. */
export const tooLarge = `The file is larger than ${maxManifestSize / MiB} MiB; split it.`;

function readManifest(value: unknown, node: Node | null, source: Source, result: ManifestFile): void {
  const { kind, items } = isJsonObject(value) ? value : {};
  if (kind === 'List' && Array.isArray(items)) {
    const sequence = isMap(node) ? node.get('items', true) : undefined;
    for (const [index, item] of items.entries()) {
      const itemNode = isSeq<Node>(sequence) ? sequence.items[index] : undefined;
      readManifest(item, itemNode ?? node, source, result);
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

/** Names the resource of an invalid manifest, as far as possible. */
function describe(value: unknown): string {
  const { kind, metadata } = isJsonObject(value) ? value : {};
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  if (typeof kind !== 'string' || typeof name !== 'string') return '';
  const reference = { apiVersion: '', kind, namespace: typeof namespace === 'string' ? namespace : '', name };
  return `${describeReference(reference)}: `;
}
