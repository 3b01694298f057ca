// Answers of plugins of the first Kplug, which are YAML. For those of kplug.v1 see `answers.test.ts`.
import * as grpc from '@grpc/grpc-js';
import { definePlugin } from '@kplug/sdk';
import { TestOperator, V0Operator, V0Plugin } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const KiB = 1_024;

/** Longest block of the event loop during an attack, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

const waiting = { timeout: 30_000, interval: 5 };

/** Mapping whose aliases double the number of values with each level. */
const doubling = (levels: number) =>
  Array.from(
    { length: levels },
    (_, level) => `k${level}: &a${level} [${level === 0 ? '1, 1' : `*a${level - 1}, *a${level - 1}`}]`,
  ).join('\n');

const keys = (count: number, key = (index: number) => `k${index}`) =>
  Array.from({ length: count }, (_, index) => `${key(index)}: 1\n`).join('');

/** Attacks by the status of the base, with the reason for the refusal. */
const attacks: readonly [string, string, RegExp][] = [
  // Without the check, the operator would walk the list in itself until its stack ends, or for ever.
  ['a list that contains itself', 'a: &a [*a]', /The anchor &a contains itself/],
  ['a mapping that contains itself', '&a { b: *a }', /The anchor &a contains itself/],
  ['a list that contains itself often', `a: &a [${'*a, '.repeat(1_000)}]`, /The anchor &a contains itself/],
  ['two lists that contain each other', 'a: &a [&b [*a], *b]', /The anchor &a contains itself/],
  ['a mapping that is its own key', '&a ? *a\n: 1', /isn't valid YAML/],
  ['a mapping that merges itself', 'a: &a { <<: *a }', /Merge keys/],
  // Without the bound, some dozen aliases would stand for more values than the memory holds.
  ['aliases that double', doubling(24), /The aliases of a document may stand for at most/],
  [
    'aliases of large lists',
    `a: &a [${'1,'.repeat(9_000)}]\n${keys(9, (index) => `k${index}: *a #`)}`,
    /may stand for at most/,
  ],
  // Without it, a status of 250 KiB would become one of 2 MiB.
  [
    'aliases of a large text',
    `a: &a ${'x'.repeat(200 * KiB)}\nb: [${'*a, '.repeat(9)}]`,
    /with its aliases expanded, has/,
  ],
  ['thousands of aliases', `a: &a 1\nb: [${'*a, '.repeat(5_000)}]`, /at most 50 aliases/],
  // Without the check, the parser would need a hundred times the memory of the text.
  ['nested lists', '['.repeat(250 * KiB), /is nested more than 64 levels deep/],
  ['nested keys', '? '.repeat(125 * KiB), /is nested more than 64 levels deep/],
  [
    'nested mappings',
    Array.from({ length: 650 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
    /nested more than/,
  ],
  ['many keys', keys(20_000), /more than 50,000 YAML tokens/],
  ['many texts that never end', '- "a\n'.repeat(50 * KiB), /isn't valid YAML/],
  ['many errors', `[${','.repeat(48_000)}`, /isn't valid YAML/],
  ['many anchors', '&a '.repeat(16_000), /isn't valid YAML/],
  ['many tags', `[${'!x y,'.repeat(11_000)}]`, /isn't valid YAML/],
  ['many documents', '---\na: 1\n'.repeat(25_000), /Only one document/],
  ['directives', '%TAG !a! x\n'.repeat(20_000), /isn't valid YAML/],
  // Without the check, the first of two values would be lost, whichever the plugin meant.
  ['a key twice', 'a: 1\nb: 2\na: 3', /Keys of a mapping must be unique/],
  // Without it, a copy of the status would change the prototype of all objects.
  ['the key __proto__', 'a: { __proto__: { polluted: true } }', /a\.__proto__ is a key that is not allowed/],
  [
    'the key constructor',
    '{ constructor: { prototype: { polluted: true } } }',
    /constructor is a key that is not allowed/,
  ],
  ['a tag of a program', 'a: !!js/function "process.exit()"', /Unresolved tag/],
  ['a number of a hundred thousand digits', `a: ${'9'.repeat(100_000)}`, /is not a finite number/],
];

describe('an operator refuses YAML of a plugin of the first Kplug as a whole, and serves other plugins, with', () => {
  it.each(attacks)('%s', async (_, yaml, reason) => {
    const operator = await TestOperator.start({ backOff: { initial: 5, max: 5 } }, { allowInsecurePlugins: true });
    operator.table('victim', { preferredImplementation: 'Old' });
    await operator.plugin({ name: 'Honest', reconcile: ({ base }) => ({ status: { n: base.spec as object } }) });
    operator.table('honest', { preferredImplementation: 'Honest', n: 0 });
    await operator.expectReady('honest', 'Honest');
    const plugin = await V0Plugin.start(operator, { name: 'Old', create: () => [yaml] });
    const block = await longestBlock(async () => {
      await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'InvalidResponse' });
      await vi.waitFor(() => expect(plugin.calls.length).toBeGreaterThan(3), waiting);
      operator.table('honest', { preferredImplementation: 'Honest', n: 1 });
      await operator.expectReady('honest', 'Honest');
    });
    expect(operator.condition('victim', 'Ready')?.message).toMatch(reason);
    expect(operator.get('victim')?.status).not.toHaveProperty('a');
    expect(block / unitOfWork()).toBeLessThan(maxBlock);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

it('accepts statuses with aliases, comments, block texts and many values', async () => {
  const operator = await TestOperator.start({}, { allowInsecurePlugins: true });
  operator.table('users', { preferredImplementation: 'Old' });
  const values = Array.from({ length: 6_000 }, (_, index) => index);
  const yaml = `# Status\na: &a { b: [1, 2] }\nc: *a\nd: |\n  line\n  line\nlarge: [${values.join(', ')}]\n9007199254740993: 9007199254740993\n`;
  await V0Plugin.start(operator, { name: 'Old', create: () => [yaml] });
  await operator.expectReady('users', 'Old');
  expect(operator.get('users')?.status).toMatchObject({
    a: { b: [1, 2] },
    c: { b: [1, 2] },
    d: 'line\nline\n',
    large: values,
    '9007199254740993': 9007199254740993n,
  });
});

// Without the bounds, whoever reaches the port of such a plugin would end it.
it.each<[string, string, RegExp]>([
  ['that contains itself', 'spec: &a { a: *a }', /The anchor &a contains itself/],
  ['of nested keys', '? '.repeat(2_000_000), /nested more than 200 levels deep/],
  ['of four million commas', `[${','.repeat(4_000_000)}`, /more than 500,000 YAML tokens/],
  ['with aliases that double', doubling(24), /The aliases of a document may stand for at most/],
  ['that is a text', 'just a text', /is not a YAML mapping/],
])('a plugin of the SDK refuses a resource %s, and answers other calls', async (_, yaml, message) => {
  const operator = await V0Operator.start();
  const plugin = await definePlugin({
    name: 'Plain',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: ({ base }) => ({ status: { n: (base.spec as { n: number }).n } }),
  }).serve({ protocol: 'kplug', controller: operator.address, logLevel: 'silent', handleSignals: false });
  onTestFinished(() => plugin.stop());
  const client = await operator.plugin();
  const refused = client.create({ base: { yaml } });
  await expect(refused).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
    details: expect.stringMatching(message),
  });
  const table = {
    apiVersion: 'a.org/v1',
    kind: 'Table',
    metadata: { name: 'a', namespace: 'a', uid: 'u' },
    spec: { n: 1 },
  };
  expect(await operator.call('create', table)).toMatchObject({ base: { n: 1 } });
});
