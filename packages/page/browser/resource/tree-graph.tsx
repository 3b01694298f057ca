import { useMemo } from 'preact/hooks';
import { shown } from '../format/shown.ts';
import { iconPaths } from '../parts/icon.tsx';
import { useChunk } from '../parts/use-chunk.ts';
import { resourceLink } from '../routing/route.ts';
import { type TreeNode, wordOfNode } from './tree.ts';

const loadLayout = () => import('./layout-tree.ts');

/** Graph of a tree. What lays it out is loaded when the first one is shown. */
export function TreeGraph({ tree }: { tree: TreeNode }) {
  const { loaded: module, hasFailed } = useChunk(loadLayout);
  const shape = JSON.stringify(tree);
  const layout = useMemo(() => module?.layoutTree(tree), [module, shape]);
  if (hasFailed) return <p class="muted">The graph could not be loaded. The list below has the same.</p>;
  if (!module || !layout) return <div class="graph" />;
  const { width, height, nodes, edges } = layout;
  const size = { width: module.nodeWidth, height: module.nodeHeight };
  return (
    // The graph is wider than a small screen, and is scrolled by the arrow keys.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class="graph" tabIndex={0} aria-label="Graph of what it depends on">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="false">
        <title>Graph of what the resource depends on</title>
        {edges.map(({ id, path }) => (
          <path key={id} class="edge" d={path} />
        ))}
        {nodes.map(({ node, x, y }) => (
          <Node key={node.id} node={node} x={x - size.width / 2} y={y - size.height / 2} {...size} />
        ))}
      </svg>
    </section>
  );
}

interface NodeProps {
  node: TreeNode;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Characters that fit into a node. */
const fitting = 26;

function Node({ node, x, y, width, height }: NodeProps) {
  const { name, relation, state, reason, message, key } = node;
  const said = wordOfNode(state);
  const label = [shown(name, 200), relation, said, shown(reason, 100), shown(message, 200)].filter(Boolean).join(', ');
  const content = (
    <>
      <title>{label}</title>
      <rect width={width} height={height} rx="6" />
      <path class="mark" d={iconPaths[state]} transform="translate(9.5 7.5)" />
      <text class="name" x="30" y="19">
        {shortName(name)}
      </text>
      <text class="what" x="30" y="36">
        {shown(`${relation}: ${reason || said}`, fitting)}
      </text>
    </>
  );
  const link = relation === 'resource' ? undefined : resourceLink(key);
  const place = { class: `node node-${state}`, transform: `translate(${x} ${y})` };
  if (link) {
    return (
      <a href={link} aria-label={label} {...place}>
        {content}
      </a>
    );
  }
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of SVG isn't interactive.
    <g role="img" aria-label={label} {...place}>
      {content}
    </g>
  );
}

/** The end of a name tells more than its beginning. */
function shortName(name: string): string {
  const text = shown(name, 200);
  if (text.length <= fitting) return text;
  const [kind = '', path = ''] = text.split(' ', 2);
  const left = Math.max(8, fitting - 2 - path.length);
  const short = path ? `${kind.slice(0, left)}… ${path}` : text;
  return short.length <= fitting + 2 ? short : `${short.slice(0, 12)}…${short.slice(3 - fitting + 12)}`;
}
