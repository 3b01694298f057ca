import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** Path of a value in a document: keys and indexes. */
export type FieldPath = readonly (string | number)[];

/** Position in a text. Lines and columns count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Returns the position of a field; if it doesn't exist, that of the longest existing part of its path. */
export function positionOf(document: Document, path: FieldPath, lines: LineCounter): Position {
  let offset = document.contents?.range?.[0] ?? 0;
  let current: unknown = document.contents;
  for (const step of path) {
    const [key, value] = stepInto(current, step);
    if (!key) break;
    offset = key.range?.[0] ?? offset;
    current = value;
  }
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** Formats a path for people: `delegations[0].base.kind`. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}

/** Returns the node that names a step, and the value there. */
function stepInto(node: unknown, step: string | number): [Node | undefined, unknown] {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    return [pair?.key as Node | undefined, pair?.value];
  }
  const item = isSeq<Node>(node) && typeof step === 'number' ? node.items[step] : undefined;
  return [item, item];
}
