import { isMap, isScalar, isSeq, type Node } from 'yaml';

/** Returns the offset of a path in a YAML text, in characters; if the path doesn't exist, that of its longest existing part. */
export function locate(node: Node | null, path: readonly (string | number)[]): number {
  let offset = node?.range?.[0] ?? 0;
  let current: unknown = node;
  for (const step of path) {
    if (isMap(current)) {
      const pair = current.items.find(({ key }) => isScalar(key) && key.value === step);
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
