import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';

/** Pairs of mappings by key. A document with many faults is searched for each of them. */
const indexes = new WeakMap<YAMLMap, Map<unknown, Pair>>();

/** Returns the offset of a path in a YAML text, in characters; if the path doesn't exist, that of its longest existing part. */
export function locate(node: Node | null, path: readonly (string | number)[]): number {
  let offset = node?.range?.[0] ?? 0;
  let current: unknown = node;
  for (const step of path) {
    if (isMap(current)) {
      const pair = indexOf(current).get(step);
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      current = pair.value;
    } else if (isSeq(current) && typeof step === 'number') {
      current = current.items[step];
      offset = (current as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

function indexOf(map: YAMLMap): Map<unknown, Pair> {
  const known = indexes.get(map);
  if (known) return known;
  // The first of several equal keys counts.
  const pairs = map.items
    .toReversed()
    .flatMap((pair): [unknown, Pair][] => (isScalar(pair.key) ? [[pair.key.value, pair]] : []));
  const index = new Map(pairs);
  indexes.set(map, index);
  return index;
}
