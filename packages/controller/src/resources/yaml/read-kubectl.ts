import { messageOf, parseJson } from '@kplug/protocol';
import { type Document, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { findLayoutFault } from './document-layout.ts';
import { readNode } from './read-node.ts';
import { type YamlFault, YamlReadError } from './yaml-fault.ts';

/** Document of a text, or the fault for which it can't be read. The node has the positions of the value's parts. */
export type KubectlDocument =
  | { value: unknown; node: Node; fault?: never }
  | { fault: YamlFault; value?: never; node?: never };

/** Content of a text. */
export interface KubectlText {
  /** Documents in order, without empty ones. */
  documents: KubectlDocument[];
  lines: LineCounter;
}

/**
 * Reads a YAML or JSON text of any number of documents as `kubectl` and the API server do. Never throws. Refuses duplicate keys and
 * content after the end marker of a document, which `kubectl` drops without a warning.
 */
export function readKubectlYaml(content: string): KubectlText {
  const lines = new LineCounter();
  // `kubectl` ends the last line, which matters for a block of text.
  const parsed = parseAllDocuments(content.endsWith('\n') ? content : `${content}\n`, {
    ...options,
    lineCounter: lines,
  });
  // A text with nothing but comments yields an empty stream instead of documents.
  const documents = 'empty' in parsed ? [] : parsed;
  const json = readWhole(content);
  if (json)
    return { documents: documents.slice(0, 1).flatMap((document) => readDocument(document, content, json)), lines };
  const fault = findLayoutFault(content);
  const isBefore = ({ range }: Document.Parsed) => !fault || range[1] <= fault.offset;
  const read = documents.filter(isBefore).flatMap((document) => readDocument(document, content));
  return { documents: fault ? [...read, { fault }] : read, lines };
}

/** Options of the parser: scalars stay text. */
const options = {
  prettyErrors: false,
  // `readNode` checks for duplicates.
  uniqueKeys: false,
  version: '1.2',
  schema: 'failsafe',
  merge: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const;

function readDocument(
  document: Document.Parsed,
  content: string,
  json?: { value: unknown } | { error: unknown },
): KubectlDocument[] {
  const { contents } = document;
  const warnings = document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED');
  const [error] = [...document.errors, ...warnings];
  // An error at the end of the text is reported in the last line with content.
  if (error) return [{ fault: { offset: Math.min(error.pos[0], content.trimEnd().length), message: error.message } }];
  if (!contents) return [];
  try {
    const value = readNode(contents, content);
    if (!json) return value === null ? [] : [{ value, node: contents }];
    if ('error' in json) throw json.error;
    return [{ value: json.value, node: contents }];
  } catch (error) {
    const offset = error instanceof YamlReadError ? error.offset : contents.range[0];
    return [{ fault: { offset, message: messageOf(error) } }];
  }
}

/** Reads a text that is a JSON object, as `kubectl` reads such a text as JSON. */
function readWhole(content: string): { value: unknown } | { error: unknown } | undefined {
  if (!content.trimStart().startsWith('{')) return undefined;
  try {
    JSON.parse(content);
  } catch {
    return undefined;
  }
  try {
    return { value: parseJson(content) };
  } catch (error) {
    return { error };
  }
}
