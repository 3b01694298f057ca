import { printable } from '@kplug/protocol/printable';
import type { Trace } from '../trace/read-trace.ts';
import { nodesOf } from '../trace/trace-node.ts';
import type { ConditionText } from './condition-text.ts';

const fills: Record<ConditionText, string> = { True: '#d7f0d7', False: '#f8d0d0', Unknown: '#f6ecc8' };

/** Formats a trace as a graph in the DOT language of Graphviz. The root cause has a thick border. */
export function formatDot({ resource, rootCause: cause }: Pick<Trace, 'resource' | 'rootCause'>): string {
  const all = [...nodesOf(resource)].map(({ node }) => node);
  const ids = new Map(all.map((node, index) => [node, `n${index}`]));
  const boxes = all.map((node) => {
    const label = [node.name, node.reason, node.message].filter(Boolean).map(quoteLine).join('\\n');
    const border = node === cause ? ', penwidth=3' : '';
    return `  ${ids.get(node)} [label="${label}", fillcolor="${fills[node.ready]}"${border}];`;
  });
  const arrows = all.flatMap((node) =>
    node.children.map((child) => `  ${ids.get(node)} -> ${ids.get(child)} [label="${child.relation}"];`),
  );
  return ['digraph trace {', '  node [shape=box, style=filled];', ...boxes, ...arrows, '}'].join('\n');
}

/** Makes untrusted text a line of a quoted string. */
function quoteLine(text: string): string {
  return printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
