import { setField, YamlAnchors, YamlReadError, yamlFault } from '@kplug/protocol';
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { limits } from '../../limits/limits.ts';
import { cutText } from '../cut-text.ts';
import { floatKey, type KubectlScalar, readPlainScalar, storedNumber } from './kubectl-scalar.ts';
import { readTaggedScalar } from './tagged-scalar.ts';

const { maxQuotedLength } = limits.calls;

/** Returns the JSON value of a document's node in a text. Throws `YamlReadError`. */
export function readNode(node: Node, text: string): unknown {
  return new NodeReader(text).read(node);
}

/** Reads the nodes of one document in order, so that an alias means the last anchor before it. */
class NodeReader {
  readonly #text: string;
  readonly #anchors = new YamlAnchors(limits.resources);
  /** True directly inside of `[]` or `{}`. */
  #isFlow = false;

  constructor(text: string) {
    this.#text = text;
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
    if (isMap<Node, Node | null>(node)) return this.#inside(node, () => this.#readMap(node));
    if (isSeq<Node | null>(node)) return this.#inside(node, () => node.items.map((item) => this.read(item)));
    const scalar = this.#readScalar(node);
    if (scalar.kind === 'infinite') throw fault(node, `${scalar.value} is not a number that JSON has`);
    return scalar.kind === 'int' || scalar.kind === 'float' ? storedNumber(scalar) : scalar.value;
  }

  #inside<T>(collection: { flow?: boolean }, read: () => T): T {
    const isOuterFlow = this.#isFlow;
    this.#isFlow = collection.flow === true;
    const value = read();
    this.#isFlow = isOuterFlow;
    return value;
  }

  #readMap(map: YAMLMap<Node, Node | null>): Record<string, unknown> {
    const read: Record<string, unknown> = {};
    const own = new Set<string>();
    for (const pair of map.items) {
      if (isMergeKey(pair)) {
        for (const [key, value] of this.#mergedBy(pair)) setField(read, key, value);
        continue;
      }
      const key = this.#readKey(pair.key ?? map);
      if (own.has(key)) throw fault(pair.key, `Keys of a mapping must be unique; ${quote(key)} occurs twice`);
      own.add(key);
      setField(read, key, this.read(pair.value));
    }
    return read;
  }

  /** Returns the fields that a merge key adds, in ascending precedence: the first of several mappings comes last. */
  #mergedBy({ key, value: node }: Pair<Node, Node | null>): [string, unknown][] {
    for (const mapping of isSeq<Node>(node) ? node.items : [node]) {
      const target = isAlias(mapping) ? this.#anchors.find(mapping).node : mapping;
      if (!isMap(target)) throw fault(mapping ?? key, notMergeable);
    }
    // Nodes are read in the order of the text, as anchors need.
    const value = this.read(node) as Record<string, unknown> | Record<string, unknown>[];
    return (Array.isArray(value) ? value.toReversed() : [value]).flatMap((fields) => Object.entries(fields));
  }

  #readKey(node: Node): string {
    const source = isAlias(node) ? this.#expandKey(node) : node;
    if (this.#isFlow && this.#hasTightColon(node)) throw fault(node, 'A colon after a key must be followed by a space');
    if (!isScalar(source)) throw fault(node, 'Keys must be strings, not lists or mappings');
    const anchor = this.#anchors.begin(node);
    const scalar = this.#readScalar(source);
    this.#anchors.addValue();
    this.#anchors.complete(anchor, scalar.value);
    return keyOf(scalar, node);
  }

  /** Returns the node that an alias stands for, and counts the alias. */
  #expandKey(alias: Alias): Node {
    this.#anchors.expand(alias);
    return this.#anchors.find(alias).node;
  }

  /** Reports whether a key ends like `[a:]`, in which `kubectl` takes the colon for a part of the text. */
  #hasTightColon(key: Node): boolean {
    const end = key.range?.[1] ?? 0;
    return isScalar(key) && key.type === 'PLAIN' && /^:[,\]}]/.test(this.#text.slice(end, end + 2));
  }

  #readScalar(node: Node): KubectlScalar {
    if (!isScalar(node)) throw fault(node, 'This is not a value that JSON has');
    const text = textOf(node);
    if (node.tag !== undefined) {
      const read = readTaggedScalar(text, node.tag);
      if ('message' in read) throw fault(node, read.message);
      return read;
    }
    if (node.type !== 'PLAIN') {
      // The parser drops the spaces of a block that has nothing else.
      const isBlankBlock = text.trim() === '' && /^[|>][-+]?[1-9]/.test(this.#text.slice(node.range?.[0]));
      if (isBlankBlock) throw fault(node, 'Text of nothing but spaces must be in quotes');
      return { kind: 'string', value: text };
    }
    if (!this.#isFlow || !/^[?:]/.test(text)) return readPlainScalar(text);
    throw fault(node, `Text in [] or {} that begins with ${text[0]} must be in quotes`);
  }
}

const notMergeable = 'The value of a merge key (<<) must be a mapping or a list of mappings';

function isMergeKey({ key }: Pair<Node, Node | null>): boolean {
  return isScalar(key) && key.source === '<<' && (key.type === 'PLAIN' || key.tag === 'tag:yaml.org,2002:merge');
}

function textOf(node: Scalar): string {
  return node.source ?? (typeof node.value === 'string' ? node.value : '');
}

function keyOf(scalar: KubectlScalar, node: Node): string {
  switch (scalar.kind) {
    case 'null':
      throw fault(node, 'A key must not be null; put it in quotes');
    case 'float':
      return floatKey(scalar.value);
    case 'int':
      if (scalar.value < 2n ** 63n) return String(scalar.value);
      throw fault(node, 'The integer of a key must fit in 64 bits with a sign; put it in quotes');
    default:
      return String(scalar.value);
  }
}

function fault(node: Node | null, message: string): YamlReadError {
  return new YamlReadError(yamlFault(node?.range?.[0] ?? 0, message));
}

function quote(text: string): string {
  return JSON.stringify(cutText(text, maxQuotedLength));
}
