// Manifests, `kplug.yaml` and `plugin.yaml` of a malicious or mistaken user, read by real operators with a small heap.
import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifests } from '@kplug/controller/tools';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { describe, expect, it, vi } from 'vitest';
import { fingerprintOf } from '../../packages/controller/src/files/fingerprint.ts';
import { readManifestFile } from '../../packages/controller/src/resources/directory/read-manifest-file.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const KiB = 1_024;
const MiB = 1_024 * KiB;
const waiting = { timeout: 60_000, interval: 20 };

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('');
const greeting = (name: string, rest = '') =>
  `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: ${name} }\n${rest}`;

/** Texts of almost 4 MiB, with the problem that the operator reports. */
const floods: Readonly<Record<string, readonly [text: () => string, problem: RegExp]>> = {
  // Without the bounds, each of these would end a heap of 1 GiB, or keep the operator busy for minutes.
  keys: [() => '? '.repeat(2 * MiB - 8), /nested more than 100 levels deep/],
  lists: [() => '['.repeat(4 * MiB - 8), /nested more than 100 levels deep/],
  items: [() => `a: [${'1,'.repeat(2 * MiB - 8)}]`, /more than 500,000 YAML tokens/],
  commas: [() => `[${','.repeat(4 * MiB - 8)}]`, /more than 500,000 YAML tokens/],
  documents: [() => '---\na\n'.repeat(512 * KiB), /too many problems; the rest of it is not read/],
  ends: [() => '...\n'.repeat(MiB - 8), /Content after \.\.\. is ignored/],
  aliases: [() => `a: &a ${'x'.repeat(2 * MiB)}\nb: [${'{ *a : 1 }, '.repeat(5_000)}]`, /at most 50 aliases/],
  self: [() => greeting('self', 'spec: &a { a: [*a] }\n'), /The anchor &a contains itself/],
  'too-large': [() => '#'.repeat(4 * MiB + 1), /larger than 4 MiB; split it/],
};

describe('an operator on a directory', () => {
  // Without the bounds, a user who may add a file would end the operator of everybody else.
  it('with a heap of 384 MiB reports floods of every kind, and serves the other files', async () => {
    vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=384');
    await using workspace = await GreetingWorkspace.make({
      'manifests/honest.yaml': greeting('honest', 'spec: { to: One }\n'),
    });
    const operator = await workspace.startOperator();
    workspace.startPlugin(operator.at.heartbeatAddress);
    await workspace.greeting('honest', 'Hello, One!');
    for (const [name, [text]] of Object.entries(floods)) await workspace.write(`manifests/${name}.yaml`, text());
    for (const [name, [, problem]] of Object.entries(floods)) {
      const reported = new RegExp(`manifests/${name}\\.yaml[^"\\n]*?${problem.source}`);
      await vi.waitFor(() => expect(operator.stderr + operator.stdout).toMatch(reported), waiting);
    }
    await workspace.write('manifests/honest.yaml', greeting('honest', 'spec: { to: Two }\n'));
    await workspace.greeting('honest', 'Hello, Two!');
    expect(operator.stderr + operator.stdout).not.toMatch(/is suspect|is unreachable/);
  });
});

it.each<[string, string, RegExp]>([
  // Without the bound on the depth, the heap would end.
  ['of nested keys', '? '.repeat(512 * KiB - 8), /kplug\.yaml:1:\d+: invalid YAML: The document is nested more than/],
  // The parser's own check for duplicates compares each key with each other one, for thirty seconds.
  [
    'with 20,000 keys',
    lines(20_000, (index) => `k${index}: 1\n`),
    /is not a field of this file.*and 19980 more faults/,
  ],
])('an operator refuses a configuration file %s', async (_, text, message) => {
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=192');
  const folder = await mkdtemp(join(tmpdir(), 'kplug-attack-'));
  const file = join(folder, 'kplug.yaml');
  await writeFile(file, text);
  const { code, stderr } = await kplug(['operator', '--manifests', folder, '--config', file]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

describe('large files are read as before', () => {
  const read = (text: string) => {
    const { manifests, problems } = parseManifests(text, { file: 'a.yaml' });
    expect(problems).toEqual([]);
    return manifests;
  };

  it('a CustomResourceDefinition of 12,500 lines', () => {
    const field = (index: number) =>
      `                field${index}:\n                  description: |-\n                    Text about a field, which: has { signs }.\n                  enum: [a, b]\n                  type: string\n`;
    const head =
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: tables.example.org }\nspec:\n  versions:\n    - name: v1\n      schema:\n        openAPIV3Schema:\n          properties:\n            spec:\n              properties:\n';
    expect(read(head + lines(2_500, field))).toHaveLength(1);
  });

  it('a ConfigMap of 1.5 MiB', () => {
    const [manifest] = read(
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: large }\ndata:\n  text: |\n${lines(24_000, (index) => `    line ${index}: { "a": [1, 2, 3] } # no comment ${'.'.repeat(20)}\n`)}`,
    );
    expect(JSON.stringify(manifest?.manifest.data).length).toBeGreaterThan(1.4 * MiB);
  });

  it('a JSON object with 100,000 values', () => {
    const items = Array.from({ length: 100_000 }, (_, index) => index);
    const [manifest] = read(
      JSON.stringify({ apiVersion: 'a.org/v1', kind: 'A', metadata: { name: 'a' }, spec: { items } }),
    );
    expect(manifest?.manifest.spec).toEqual({ items });
  });

  it('a file of 5,000 documents', () => {
    expect(
      read(lines(5_000, (index) => `---\n${greeting(`g${index}`, 'spec:\n  to: World\n  list:\n    - a\n')}`)),
    ).toHaveLength(5_000);
  });
});

// Without steps, the operator would answer no heartbeat while it reads a file; a single document is composed in one step.
it('reading the largest file blocks the event loop no longer than one document takes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-attack-'));
  await writeFile(
    join(folder, 'all.yaml'),
    lines(5_000, (index) => `---\n${greeting(`g${index}`, 'spec:\n  to: World\n')}`),
  );
  const file = join(folder, 'all.yaml');
  const fingerprint = fingerprintOf(await stat(file, { bigint: true }));
  const block = await longestBlock(async () => {
    expect((await readManifestFile(file, fingerprint))?.manifests).toHaveLength(5_000);
  });
  expect(block / unitOfWork()).toBeLessThan(50);
});
