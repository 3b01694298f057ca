import { composeYaml, messageOf, parseJson, type YamlFault, YamlReadError, yamlFault } from '@kplug/protocol';
import type { Document, LineCounter, Node } from 'yaml';
import { limits } from '../../limits/limits.ts';
import { findLayoutFault } from './document-layout.ts';
import { readNode } from './read-node.ts';

const { maxDocumentTokens: maxTokens, maxDepth, maxDocuments } = limits.resources;

/** Document of a text, or the fault for which it can't be read. The node has the positions of the value's parts. */
export type KubectlDocument =
  | { value: unknown; node: Node; fault?: never }
  | { fault: YamlFault; value?: never; node?: never };

/**
 * Reads a YAML or JSON text of any number of documents as `kubectl` and the API server do, one document after the other, without empty
 * ones. Never throws. Refuses duplicate keys and content after the end marker of a document, which `kubectl` drops without a warning.
 * Yields `undefined` where the caller may let other work run.
 *
 * @param lines is completed with the lines that have been read.
 */
export function* readKubectlYaml(content: string, lines: LineCounter): Generator<KubectlDocument | undefined, void> {
  const layoutFault = findLayoutFault(content);
  const end = content.trimEnd().length;
  // `kubectl` ends the last line, which matters for a block of text.
  const text = content.endsWith('\n') ? content : `${content}\n`;
  let isFirst = true;
  for (const step of composeYaml(text, { lines, maxTokens, maxDepth, maxDocuments, parser })) {
    if (!step) {
      yield undefined;
      continue;
    }
    if (step.fault) {
      yield { fault: step.fault };
      return;
    }
    const json = isFirst ? readWhole(content) : undefined;
    isFirst = false;
    if (layoutFault && !json && step.document.range[1] > layoutFault.offset) break;
    yield* readDocument(step.document, { content, end, json });
    // Nothing follows a JSON object.
    if (json) return;
  }
  if (layoutFault) yield { fault: layoutFault };
}

/** Options of the parser: scalars stay text. */
const parser = {
  prettyErrors: false,
  // `readNode` checks for duplicates.
  uniqueKeys: false,
  version: '1.2',
  schema: 'failsafe',
  merge: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const;

type WholeJson = { value: unknown } | { error: unknown };

interface Source {
  content: string;
  /** Offset after the last character that is no white space. */
  end: number;
  json: WholeJson | undefined;
}

function* readDocument(
  { contents, errors, warnings }: Document.Parsed,
  { content, end, json }: Source,
): Generator<KubectlDocument, void> {
  const [error] = [...errors, ...warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')];
  // An error at the end of the text is reported in the last line with content.
  if (error) yield { fault: yamlFault(Math.min(error.pos[0], end), error.message) };
  if (error || !contents) return;
  try {
    const value = readNode(contents, content);
    if (json && 'error' in json) throw json.error;
    if (json) yield { value: json.value, node: contents };
    else if (value !== null) yield { value, node: contents };
  } catch (error) {
    const offset = error instanceof YamlReadError ? error.offset : contents.range[0];
    yield { fault: yamlFault(offset, messageOf(error)) };
  }
}

/** Reads a text that is a JSON object, as `kubectl` reads such a text as JSON. */
function readWhole(content: string): WholeJson | undefined {
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
