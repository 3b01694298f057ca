import { Graph, layout } from '@dagrejs/dagre';
import type { TreeNode } from './tree.ts';

/** Size of a node, in pixels. */
export const nodeWidth = 236;
export const nodeHeight = 46;

/** A tree with places. */
export interface TreeLayout {
  readonly width: number;
  readonly height: number;
  /** Nodes with the place of their middle. */
  readonly nodes: readonly { readonly node: TreeNode; readonly x: number; readonly y: number }[];
  /** Curves from a node to what it depends on, as paths. */
  readonly edges: readonly { readonly id: string; readonly path: string }[];
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Places the nodes of a tree from left to right. */
export function layoutTree(root: TreeNode): TreeLayout {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 44, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  const all: TreeNode[] = [];
  const add = (node: TreeNode) => {
    all.push(node);
    graph.setNode(node.id, { width: nodeWidth, height: nodeHeight });
    for (const child of node.children) {
      add(child);
      graph.setEdge(node.id, child.id);
    }
  };
  add(root);
  layout(graph);
  const place = (id: string): Place => {
    const { x, y } = graph.node(id) as Place;
    return { x, y };
  };
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: all.map((node) => ({ node, ...place(node.id) })),
    edges: graph.edges().map(({ v, w }) => ({ id: `${v} ${w}`, path: curve(place(v), place(w)) })),
  };
}

/** Curve from the right side of a node to the left side of another. */
function curve(from: Place, to: Place): string {
  const [start, end] = [from.x + nodeWidth / 2, to.x - nodeWidth / 2];
  const middle = (start + end) / 2;
  return `M${start} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${end} ${to.y}`;
}
