/** Order in which nodes of a graph come after those that they require, or a cycle that prevents one. */
export type Order = { order: number[]; cycle?: never } | { order?: never; cycle: number[] };

/**
 * Orders the nodes of a graph: each after those that it requires, and otherwise by number.
 *
 * @param requires for each node, the numbers of those that it requires.
 * @returns the order, or the nodes of one cycle, the first of them also last.
 */
export function orderOf(requires: readonly (readonly number[])[]): Order {
  const order: number[] = [];
  const placed = new Set<number>();
  const pending = new Set(requires.keys());
  while (pending.size > 0) {
    const next = [...pending].find((node) => requires[node]?.every((required) => placed.has(required)));
    if (next === undefined) return { cycle: findCycle(requires, pending) };
    pending.delete(next);
    placed.add(next);
    order.push(next);
  }
  return { order };
}

/** Returns a cycle among nodes each of which requires another one of them. */
function findCycle(requires: readonly (readonly number[])[], pending: ReadonlySet<number>): number[] {
  const path: number[] = [];
  let [node] = pending;
  while (node !== undefined && !path.includes(node)) {
    path.push(node);
    node = requires[node]?.find((required) => pending.has(required));
  }
  const start = path.indexOf(node as number);
  return [...path.slice(start), path[start] as number];
}
