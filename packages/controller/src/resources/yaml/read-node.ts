import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { limits } from '../../limits/limits.ts';
import { floatKey, type KubectlScalar, readPlainScalar, storedNumber } from './kubectl-scalar.ts';
import { readTaggedScalar } from './tagged-scalar.ts';
import { YamlReadError } from './yaml-fault.ts';

const { maxAliases, maxAliasedValues } = limits.resources;

/** Returns the JSON value of a document's node in a text. Throws `YamlReadError`. */
export function readNode(node: Node, text: string): unknown {
  return new NodeReader(text).read(node);
}

/** Node with an anchor. Its value is missing while the node is read. */
interface Anchor {
  node: Node;
  value?: unknown;
  isComplete: boolean;
  /** Number of values that the node has, with expanded aliases. */
  size: number;
}

/** Reads the nodes of one document in order, so that an alias means the last anchor before it. */
class NodeReader {
  readonly #text: string;
  readonly #anchors = new Map<string, Anchor>();
  #aliases = 0;
  #aliasedValues = 0;
  #values = 0;
  /** True directly inside of `[]` or `{}`. */
  #isFlow = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(node: Node | null): unknown {
    this.#values += 1;
    if (node === null) return null;
    if (isAlias(node)) return this.#expand(node);
    const anchor = this.#begin(node);
    const value = this.#readContent(node);
    this.#complete(anchor, value);
    return value;
  }

  #complete(anchor: Anchor | undefined, value: unknown): void {
    if (anchor) Object.assign(anchor, { value, isComplete: true, size: this.#values - anchor.size });
  }

  #begin(node: Node): Anchor | undefined {
    const name = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (name === undefined) return undefined;
    const anchor: Anchor = { node, isComplete: false, size: this.#values };
    this.#anchors.set(name, anchor);
    return anchor;
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
      if (own.has(key)) throw fault(pair.key, `Keys of a mapping must be unique; ${JSON.stringify(key)} occurs twice`);
      own.add(key);
      setField(read, key, this.read(pair.value));
    }
    return read;
  }

  /** Returns the fields that a merge key adds, in ascending precedence: the first of several mappings comes last. */
  #mergedBy({ key, value: node }: Pair<Node, Node | null>): [string, unknown][] {
    for (const mapping of isSeq<Node>(node) ? node.items : [node]) {
      const target = isAlias(mapping) ? this.#find(mapping).node : mapping;
      if (!isMap(target)) throw fault(mapping ?? key, notMergeable);
    }
    // Nodes are read in the order of the text, as anchors need.
    const value = this.read(node) as Record<string, unknown> | Record<string, unknown>[];
    return (Array.isArray(value) ? value.toReversed() : [value]).flatMap((fields) => Object.entries(fields));
  }

  #readKey(node: Node): string {
    const source = isAlias(node) ? this.#find(node).node : node;
    if (this.#isFlow && this.#hasTightColon(node)) throw fault(node, 'A colon after a key must be followed by a space');
    if (!isScalar(source)) throw fault(node, 'Keys must be strings, not lists or mappings');
    const anchor = this.#begin(node);
    const scalar = this.#readScalar(source);
    this.#values += 1;
    this.#complete(anchor, scalar.value);
    return keyOf(scalar, node);
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

  #find(alias: Alias): Anchor {
    const anchor = this.#anchors.get(alias.source);
    if (!anchor) throw fault(alias, `The alias *${alias.source} refers to no anchor before it`);
    if (!anchor.isComplete) throw fault(alias, `The anchor &${alias.source} contains itself`);
    return anchor;
  }

  #expand(alias: Alias): unknown {
    const { value, size } = this.#find(alias);
    this.#aliases += 1;
    if (this.#aliases > maxAliases) throw fault(alias, `A document may have at most ${maxAliases} aliases`);
    this.#values += size;
    this.#aliasedValues += size;
    if (this.#aliasedValues <= maxAliasedValues) return value;
    throw fault(alias, `The aliases of a document may stand for at most ${maxAliasedValues} values`);
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

/** Sets a field, even one named `__proto__`. */
function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

function fault(node: Node | null, message: string): YamlReadError {
  return new YamlReadError({ offset: node?.range?.[0] ?? 0, message });
}
