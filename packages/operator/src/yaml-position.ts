import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** The way to a value in a document: keys and indexes. */
export type FieldPath = readonly (string | number)[];

/** Where in a text something stands. Lines and columns count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Where a field of a document stands, or the last one on the way to it that is there. */
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

/** A path for people: `delegations[0].base.kind`. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}

/** What names a step, and what is there. */
function stepInto(node: unknown, step: string | number): [Node | undefined, unknown] {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    return [pair?.key as Node | undefined, pair?.value];
  }
  const item = isSeq<Node>(node) && typeof step === 'number' ? node.items[step] : undefined;
  return [item, item];
}
