import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ConditionStatus,
  EventType,
  ExplainResourceResponseSchema,
  PassSchema,
  RecordedEventSchema,
  ResourceState,
  type TraceNode,
  TraceNodeSchema,
  TraceRelation,
} from '@kplug/protocol/services';
import { expect, it } from 'vitest';
import { commandsFor } from './commands.ts';
import { layoutTree, nodeHeight, nodeWidth } from './layout-tree.ts';
import { compareLines } from './line-diff.ts';
import { statusSentences } from './status-sentences.ts';
import { mergeTimeline } from './timeline.ts';
import { countNodes, treeOf } from './tree.ts';

it('has the commands of a resource, quoted for a shell', () => {
  expect(commandsFor('myorg.org/v1/Table/shop/users')).toEqual([
    'kplug trace table/users -n shop',
    'kplug explain table/users -n shop',
    'kplug get table/users -n shop',
  ]);
  expect(commandsFor("myorg.org/v1/Table//a;rm 'x'")[0]).toBe(`kplug trace table/'a;rm '\\''x'\\'''`);
  expect(commandsFor('PostgreSQL')).toEqual([]);
});

it('merges Events and hand-overs by time, newest first', () => {
  const passAt = (ms: number, plugin: string) =>
    create(PassSchema, { startedAt: timestampFromMs(ms), plugins: plugin ? [plugin] : [] });
  const event = (ms: number, type: EventType, reason: string) =>
    create(RecordedEventSchema, { event: { type, reason, message: 'why' }, count: 3, lastAt: timestampFromMs(ms) });
  const entries = mergeTimeline(
    [event(1_000, EventType.NORMAL, 'Created'), event(5_000, EventType.WARNING, 'Failed')],
    [passAt(6_000, 'B 2'), passAt(4_000, 'B 2'), passAt(3_500, ''), passAt(3_000, 'A 1'), passAt(2_000, 'A 1')],
  );
  expect(entries.map(({ at, kind, reason, message }) => [at, kind, reason, message])).toEqual([
    [5_000, 'warning', 'Failed', 'why'],
    [4_000, 'hand-over', 'Plugin changed', 'from A 1 to B 2'],
    [1_000, 'event', 'Created', 'why'],
  ]);
});

it('compares texts by lines, and skips what is equal', () => {
  const before = ['a', 'b', 'c', 'd', 'e', 'f', 'old', 'g'].join('\n');
  const after = before.replace('old', 'new');
  expect(compareLines(before, after)).toEqual([
    { kind: 'skipped', text: '3 equal lines' },
    { kind: 'same', text: 'd' },
    { kind: 'same', text: 'e' },
    { kind: 'same', text: 'f' },
    { kind: 'removed', text: 'old' },
    { kind: 'added', text: 'new' },
    { kind: 'same', text: 'g' },
  ]);
  expect(compareLines('a', 'a')).toEqual([{ kind: 'skipped', text: '1 equal line' }]);
});

it('gives up on texts that differ in nearly all', () => {
  const lines = (letter: string) => Array.from({ length: 3_000 }, (_, index) => `${letter}${index}`).join('\n');
  expect(compareLines(lines('a'), lines('b'))).toBeUndefined();
});

it('says of which generation a status is, and never that an answer holds which has ended', () => {
  const explained = create(ExplainResourceResponseSchema, {
    resource: { generation: 3n, observedGeneration: 2n, plugin: 'PostgreSQL', pluginVersion: '1.2.0' },
    preference: 'MariaDB',
    message: 'MariaDB is not registered',
    nextPassAt: timestampFromMs(70_000),
    answerHoldsUntil: timestampFromMs(5_000),
  });
  expect(statusSentences(explained, 10_000)).toEqual([
    'Its status is of generation 2, an older specification; the resource is at generation 3.',
    'It is assigned to PostgreSQL 1.2.0. MariaDB is not registered.',
    'It prefers MariaDB, and does not have it.',
    'The next pass is due in 1m, unless something changes before.',
  ]);
});

/** A resource with dependents, of which every tenth isn't ready. */
function wide(count: number): TraceNode {
  const children = Array.from({ length: count }, (_, index) => ({
    relation: TraceRelation.DEPENDENT,
    name: `Deployment shop/d${index}`,
    ready: index % 10 === 5 ? ConditionStatus.FALSE : ConditionStatus.TRUE,
  }));
  return create(TraceNodeSchema, { relation: TraceRelation.BASE, name: 'Table shop/users', children });
}

it('joins many ready dependents, so that those that fail stand out', () => {
  const tree = treeOf(wide(200), false);
  expect(tree.children.map(({ name }) => name)).toContain('180 × Deployment');
  expect(tree.children[0]).toMatchObject({ name: 'Deployment shop/d5', state: 'failing' });
  expect(countNodes(tree)).toMatchObject({ all: 201 });
  expect(countNodes(tree).shown).toBeLessThan(15);
  expect(countNodes(treeOf(wide(200), true))).toEqual({ shown: 201, all: 201 });
  expect(treeOf(wide(5), false).children).toHaveLength(5);
});

it('shows a delegated resource in its state, and others by whether they are ready', () => {
  const base = { relation: TraceRelation.BASE, name: 'Table shop/users', ready: ConditionStatus.FALSE };
  const stateOf = (state: ResourceState) => treeOf(create(TraceNodeSchema, { ...base, state }), false).state;
  expect(stateOf(ResourceState.WAITING)).toBe('waiting');
  expect(stateOf(ResourceState.PAUSED)).toBe('paused');
  // Of an operator of an earlier version.
  expect(stateOf(ResourceState.UNSPECIFIED)).toBe('failing');
});

it('places 200 nodes so that none covers another', () => {
  const { nodes, edges, width, height } = layoutTree(treeOf(wide(200), true));
  expect([nodes.length, edges.length]).toEqual([201, 200]);
  const dependents = nodes.slice(1).sort((a, b) => a.y - b.y);
  for (const [index, { y }] of dependents.entries()) {
    const next = dependents[index + 1];
    if (next) expect(next.y - y).toBeGreaterThanOrEqual(nodeHeight);
  }
  for (const { x, y } of nodes) {
    expect(x + nodeWidth / 2).toBeLessThanOrEqual(width);
    expect(y + nodeHeight / 2).toBeLessThanOrEqual(height);
  }
});
