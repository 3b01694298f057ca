import { ConditionStatus, type TraceNode, TraceRelation } from '@kplug/protocol/services';
import { formatCount } from '../format/number.ts';
import { wordOf } from '../format/state.ts';
import type { StateWord } from '../routing/filter.ts';

/** State of a node: of a delegated resource as in all lists; of another one whether it is ready. */
export type NodeState = StateWord | 'unknown';

/** Node of a tree to be shown: a resource, a plugin, or several that are equal in kind and ready. */
export interface TreeNode {
  readonly id: string;
  readonly name: string;
  readonly relation: string;
  readonly state: NodeState;
  readonly reason: string;
  readonly message: string;
  /** Key of a resource that has a screen; empty for others. */
  readonly key: string;
  readonly children: readonly TreeNode[];
  /** Number of nodes that it stands for. */
  readonly stands: number;
}

const relations: Readonly<Record<TraceRelation, string>> = {
  [TraceRelation.UNSPECIFIED]: '',
  [TraceRelation.BASE]: 'resource',
  [TraceRelation.PLUGIN]: 'plugin',
  [TraceRelation.EXTENSION]: 'extension',
  [TraceRelation.DEPENDENT]: 'dependent',
  [TraceRelation.REQUIRED]: 'required',
};

const readiness: Readonly<Record<ConditionStatus, NodeState>> = {
  [ConditionStatus.UNSPECIFIED]: 'unknown',
  [ConditionStatus.TRUE]: 'ready',
  [ConditionStatus.FALSE]: 'failing',
  [ConditionStatus.UNKNOWN]: 'unknown',
};

/** Children beyond which those that are ready are shown as one, and nodes beyond which the others are. */
const manyChildren = 8;
const mostChildren = 9;

/** Makes the tree of a trace. Unless `isWhole`, many ready children of a kind become one node, so that what isn't ready stands out. */
export function treeOf(node: TraceNode, isWhole: boolean, id = '0'): TreeNode {
  const { name, key, relation, reason, message, delegated } = node;
  const children = node.children.map((child, index) => treeOf(child, isWhole, `${id}.${index}`));
  return {
    id,
    name,
    relation: relations[relation as TraceRelation] ?? '',
    state: stateOf(node),
    reason,
    message,
    key: delegated ? key : '',
    children: isWhole ? children : collapse(children, id),
    stands: 1,
  };
}

function stateOf({ ready, state }: TraceNode): NodeState {
  const word = wordOf(state);
  return word === 'unknown' ? (readiness[ready as ConditionStatus] ?? 'unknown') : word;
}

/** Word for a state of a node. */
export function wordOfNode(state: NodeState): string {
  return state === 'failing' ? 'not ready' : state;
}

/** States by how much a user should look at them. */
const urgency: readonly NodeState[] = ['failing', 'waiting', 'deleting', 'unknown', 'paused', 'ready'];

function collapse(children: readonly TreeNode[], id: string): TreeNode[] {
  if (children.length <= manyChildren) return [...children];
  const isPlain = ({ state, children: below }: TreeNode) => state === 'ready' && below.length === 0;
  const kept = children
    .filter((child) => !isPlain(child))
    .sort((a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state));
  const groups = Map.groupBy(children.filter(isPlain), ({ relation, name }) => `${relation} ${kindOf(name)}`);
  const joined = [...groups.values()].flatMap((group, index) =>
    group.length < 3 ? group : [standIn(group, `${id}.ready${index}`, kindOf(group[0]?.name ?? ''))],
  );
  const shown = kept.slice(0, mostChildren);
  const rest = kept.slice(mostChildren);
  return [...shown, ...(rest.length > 0 ? [standIn(rest, `${id}.rest`, 'further')] : []), ...joined];
}

function standIn(group: readonly TreeNode[], id: string, what: string): TreeNode {
  const [{ relation = '', state = 'unknown' } = {}] = group;
  const name = `${formatCount(group.length)} × ${what}`;
  const reason = state === 'ready' ? 'all ready' : 'not all ready';
  return { id, name, relation, state, reason, message: '', key: '', children: [], stands: group.length };
}

function kindOf(name: string): string {
  return name.split(' ', 1)[0] ?? '';
}

/** Number of nodes of a tree that are shown, and of those that they stand for. */
export function countNodes({ children, stands }: TreeNode): { shown: number; all: number } {
  const below = children.map(countNodes);
  const sum = (key: 'shown' | 'all') => below.reduce((total, count) => total + count[key], 0);
  return { shown: 1 + sum('shown'), all: stands + sum('all') };
}
