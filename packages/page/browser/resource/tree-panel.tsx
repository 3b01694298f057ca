import type { TraceNode } from '@kplug/protocol/services';
import { useState } from 'preact/hooks';
import { formatCount } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { isNarrow } from '../parts/media.ts';
import { Panel } from '../parts/panel.tsx';
import { resourceLink } from '../routing/route.ts';
import { countNodes, type TreeNode, treeOf, wordOfNode } from './tree.ts';
import { TreeGraph } from './tree-graph.tsx';

/** What the resource depends on, as a graph and as a list. */
export function TreePanel({ root }: { root: TraceNode }) {
  const [isWhole, setWhole] = useState(false);
  const tree = treeOf(root, isWhole);
  const whole = countNodes(treeOf(root, true)).all;
  const count = countNodes(tree);
  return (
    <Panel title="What it depends on" end={whole > 1 ? `${formatCount(whole - 1)} below` : ''}>
      {tree.children.length === 0 ? (
        <p class="muted">Nothing yet: no plugin is chosen, and there are neither extensions nor dependents.</p>
      ) : (
        <>
          {!isNarrow.value && <TreeGraph tree={tree} />}
          {(isWhole || count.shown < whole) && (
            <button type="button" class="button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
              {isWhole ? 'Join what is ready' : `Show all ${formatCount(whole)}`}
            </button>
          )}
          <details open={isNarrow.value}>
            <summary>As a list</summary>
            <ul class="tree-list">
              <Branch node={tree} />
            </ul>
          </details>
        </>
      )}
    </Panel>
  );
}

function Branch({ node }: { node: TreeNode }) {
  const { name, relation, state, reason, message, key, children } = node;
  const link = resourceLink(key);
  return (
    <li>
      <span class={`state state-${state}`}>
        <Icon name={state} />
        <span class="hidden">{wordOfNode(state)}</span>
      </span>{' '}
      {link && relation !== 'resource' ? <a href={link}>{shown(name)}</a> : shown(name)}{' '}
      <span class="muted">
        {relation}
        {reason ? `, ${shown(reason)}` : ''}
        {message ? `: ${shown(message)}` : ''}
      </span>
      {children.length > 0 && (
        <ul>
          {children.map((child) => (
            <Branch key={child.id} node={child} />
          ))}
        </ul>
      )}
    </li>
  );
}
