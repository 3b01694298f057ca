import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type YAMLMap } from 'yaml';
import { narrowInteger } from '../json.ts';
import { messageOf } from '../message-of.ts';
import { type ComposedDocument, composeYaml } from './compose-yaml.ts';
import { type AliasBounds, YamlAnchors } from './yaml-anchors.ts';
import type { YamlBounds } from './yaml-extent.ts';
import { type YamlFault, YamlReadError, yamlFault } from './yaml-fault.ts';

/** Content of a YAML text of one document. */
export interface YamlText {
  /** Value; `null` for an empty text, `undefined` if there is a fault. */
  value: unknown;
  /** Root of the document, with the positions of its parts; `null` if there is none. */
  node: Node | null;
  lines: LineCounter;
  /** True if the text has aliases, so that its value may be larger than the text. */
  hasAliases: boolean;
  fault?: YamlFault;
}

/** Options of the parser: YAML 1.2, without merge keys and other tags than those of JSON. */
const parser = {
  prettyErrors: false,
  stringKeys: true,
  // `PlainReader` checks for duplicates: the parser's own check takes minutes for some ten thousand keys.
  uniqueKeys: false,
  version: '1.2',
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  intAsBigInt: true,
  logLevel: 'error',
} as const;

/**
 * Reads a YAML 1.2 text of at most one document. Never throws. Refuses what exceeds the bounds, an anchor that contains itself, duplicate
 * keys, and merge keys, which are not part of YAML 1.2. Integers are those of `parseJson`. The caller limits the size of the text.
 */
export function readYaml(text: string, bounds: YamlBounds & AliasBounds): YamlText {
  const steps = readYamlInSteps(text, bounds);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Reads a text as `readYaml` does. Yields where the caller may let other work run. */
export function* readYamlInSteps(text: string, bounds: YamlBounds & AliasBounds): Generator<undefined, YamlText> {
  const lines = new LineCounter();
  const anchors = new YamlAnchors(bounds);
  const content: YamlText = { value: null, node: null, lines, hasAliases: false };
  let isFirst = true;
  for (const step of composeYaml(text, { ...bounds, lines, parser })) {
    if (step === undefined) {
      yield undefined;
      continue;
    }
    const fault = faultIn(step, isFirst);
    if (fault) return { ...content, value: undefined, fault };
    isFirst = false;
    const { document } = step as { document: Document.Parsed };
    try {
      content.value = new PlainReader(anchors).read(document.contents);
    } catch (error) {
      const offset = error instanceof YamlReadError ? error.offset : document.range[0];
      return { ...content, value: undefined, fault: yamlFault(offset, messageOf(error)) };
    }
    content.node = document.contents;
    content.hasAliases = anchors.aliases > 0;
  }
  return content;
}

function faultIn({ document, fault }: ComposedDocument, isFirst: boolean): YamlFault | undefined {
  if (!document) return fault;
  const [error] = [...document.errors, ...document.warnings];
  if (error) return yamlFault(error.pos[0], error.message);
  if (isFirst) return undefined;
  return { offset: document.range[0], message: 'Only one document is allowed' };
}

/** Reads the nodes of a document. Recursion is limited by the depth of the document. */
class PlainReader {
  readonly #anchors: YamlAnchors;

  constructor(anchors: YamlAnchors) {
    this.#anchors = anchors;
  }

  read(node: Node | null): unknown {
    this.#anchors.addValue();
    if (node === null) return null;
    if (isAlias(node)) return this.#anchors.expand(node);
    const anchor = this.#anchors.begin(node);
    const value = this.#readContent(node);
    this.#anchors.complete(anchor, value);
    return value;
  }

  #readContent(node: Node): unknown {
    if (isMap<Node, Node | null>(node)) return this.#readMap(node);
    if (isSeq<Node | null>(node)) return node.items.map((item) => this.read(item));
    const value: unknown = isScalar(node) ? node.value : null;
    return typeof value === 'bigint' ? narrowInteger(value) : value;
  }

  #readMap(map: YAMLMap<Node, Node | null>): Record<string, unknown> {
    const read: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const { key: node, value } of map.items) {
      const key = this.#readKey(node);
      if (key === '<<') throw fault(node, 'Merge keys (<<) are not part of YAML 1.2');
      if (seen.has(key)) throw fault(node, 'Keys of a mapping must be unique');
      seen.add(key);
      setField(read, key, this.read(value));
    }
    return read;
  }

  #readKey(node: Node): string {
    if (!isScalar(node)) throw fault(node, 'Keys must be strings');
    const anchor = this.#anchors.begin(node);
    this.#anchors.addValue();
    this.#anchors.complete(anchor, node.value);
    return String(node.value ?? '');
  }
}

/** Sets a field of an object, even one named `__proto__`. */
export function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

function fault({ range }: Node, message: string): YamlReadError {
  return new YamlReadError({ offset: range?.[0] ?? 0, message });
}
