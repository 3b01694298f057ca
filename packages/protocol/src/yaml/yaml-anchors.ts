import { type Alias, isAlias, type Node } from 'yaml';
import { YamlReadError } from './yaml-fault.ts';

/** Bounds of the aliases of a document. */
export interface AliasBounds {
  /** Maximum number of aliases. */
  maxAliases: number;
  /** Maximum number of values that the aliases stand for. */
  maxAliasedValues: number;
}

/** Node with an anchor. Its value is missing while the node is read. */
export interface YamlAnchor {
  node: Node;
  value?: unknown;
  isComplete: boolean;
  /** Number of values that the node has, with expanded aliases. */
  size: number;
}

/** Anchors and aliases of a document whose nodes are read in order, so that an alias means the last anchor before it. */
export class YamlAnchors {
  readonly #bounds: AliasBounds;
  readonly #anchors = new Map<string, YamlAnchor>();
  #aliases = 0;
  #aliasedValues = 0;
  #values = 0;

  constructor(bounds: AliasBounds) {
    this.#bounds = bounds;
  }

  /** Number of aliases that were expanded. */
  get aliases(): number {
    return this.#aliases;
  }

  /** Counts a value. */
  addValue(): void {
    this.#values += 1;
  }

  /** Begins a node, whose values count for its anchor until `complete` is called. */
  begin(node: Node): YamlAnchor | undefined {
    const name = isAlias(node) ? undefined : node.anchor;
    if (name === undefined) return undefined;
    const anchor: YamlAnchor = { node, isComplete: false, size: this.#values };
    this.#anchors.set(name, anchor);
    return anchor;
  }

  complete(anchor: YamlAnchor | undefined, value: unknown): void {
    if (anchor) Object.assign(anchor, { value, isComplete: true, size: this.#values - anchor.size });
  }

  /** Returns the anchor of an alias. Throws `YamlReadError` if there is none before it, or the alias is a part of its own value. */
  find(alias: Alias): YamlAnchor {
    const anchor = this.#anchors.get(alias.source);
    if (!anchor) throw faultOf(alias, `The alias *${alias.source} refers to no anchor before it`);
    if (!anchor.isComplete) throw faultOf(alias, `The anchor &${alias.source} contains itself`);
    return anchor;
  }

  /** Returns the value of an alias. Throws `YamlReadError` as `find` does, and when the document exceeds the bounds. */
  expand(alias: Alias): unknown {
    const { value, size } = this.find(alias);
    const { maxAliases, maxAliasedValues } = this.#bounds;
    this.#aliases += 1;
    if (this.#aliases > maxAliases) throw faultOf(alias, `A document may have at most ${maxAliases} aliases`);
    this.#values += size;
    this.#aliasedValues += size;
    if (this.#aliasedValues <= maxAliasedValues) return value;
    throw faultOf(alias, `The aliases of a document may stand for at most ${maxAliasedValues} values`);
  }
}

function faultOf({ range }: Alias, message: string): YamlReadError {
  return new YamlReadError({ offset: range?.[0] ?? 0, message });
}
