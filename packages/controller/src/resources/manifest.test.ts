import { describe, expect, it } from 'vitest';
import { parseManifests } from './manifest.ts';

const file = 'tables.yaml';
const head = 'apiVersion: example.org/v1\nkind: Table\n';

function parse(text: string) {
  return parseManifests(text, { file });
}

describe('parseManifests', () => {
  it('parses several documents with their positions', () => {
    const { manifests, problems } = parse(
      `# Tables\n---\n${head}metadata: {name: users}\nspec: {columns: 1}\n---\n---\n# nothing\n---\n${head}metadata:\n  name: orders\n  namespace: shop\ndata: {a: b}\n`,
    );
    expect(problems).toEqual([]);
    expect(manifests).toEqual([
      {
        key: 'example.org/v1/Table/default/users',
        line: 3,
        column: 1,
        manifest: {
          apiVersion: 'example.org/v1',
          kind: 'Table',
          metadata: { name: 'users', namespace: 'default' },
          spec: { columns: 1 },
        },
        observed: {},
      },
      {
        key: 'example.org/v1/Table/shop/orders',
        line: 11,
        column: 1,
        manifest: {
          apiVersion: 'example.org/v1',
          kind: 'Table',
          metadata: { name: 'orders', namespace: 'shop' },
          data: { a: 'b' },
        },
        observed: {},
      },
    ]);
  });

  it('parses the state that a resource has besides what its user wrote', () => {
    const [parsed] = parse(`${head}metadata: {name: users, generation: 7, uid: u}\nstatus: {rows: 1}\n`).manifests;
    expect(parsed?.observed).toEqual({ generation: 7, status: { rows: 1 } });
    expect(parsed?.manifest).toEqual({
      apiVersion: 'example.org/v1',
      kind: 'Table',
      metadata: { name: 'users', namespace: 'default' },
    });
  });

  it('parses JSON and empty files', () => {
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a' } }, undefined, '\t');
    expect(parse(text).manifests.map(({ key }) => key)).toEqual(['/v1/Thing/default/a']);
    expect(parse('')).toEqual({ manifests: [], problems: [] });
    expect(parse('# nothing\n')).toEqual({ manifests: [], problems: [] });
  });

  it('unpacks lists, with the line of each item', () => {
    const { manifests, problems } = parse(
      `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Thing\n    metadata: {name: a}\n  - apiVersion: v1\n    kind: Thing\n    metadata: {}\n`,
    );
    expect(manifests.map(({ key, line }) => ({ key, line }))).toEqual([{ key: '/v1/Thing/default/a', line: 4 }]);
    expect(problems).toEqual([{ file, line: 9, column: 5, message: 'metadata.name is missing.' }]);
  });

  it('parses valid documents next to an invalid one', () => {
    const { manifests, problems } = parse(
      `${head}metadata: {name: users}\n---\nspec: [1,\nb: 2\n---\n${head}metadata: {name: c}\n`,
    );
    expect(manifests.map(({ manifest }) => manifest.metadata.name)).toEqual(['users', 'c']);
    expect(problems).toEqual([{ file, line: 6, column: 1, message: expect.stringContaining('Invalid YAML') }]);
  });

  it.each([
    [
      'a key that could change a prototype',
      'spec:\n  a:\n    - __proto__: {polluted: true}\n',
      6,
      'spec.a[0].__proto__',
    ],
    [
      'a label that is a number',
      'spec: {}\n---\napiVersion: v1\nkind: A\nmetadata: {name: a, labels: {v: 1}}',
      8,
      'A a: metadata.labels.v must',
    ],
    ['a duplicate key', 'spec:\n  a: 1\n  b: 2\n  a: 3\n', 7, 'must be unique'],
    ['a merge key without a mapping', 'spec:\n  a: &a [1]\n  c: {<<: *a}\n', 6, 'value of a merge key'],
    ['a value that does not fit its tag', 'spec:\n  at: !!timestamp today\n', 5, 'not a value for the tag !!timestamp'],
    ['a number that JSON lacks', 'spec: {a: .inf}\n', 4, '.inf is not a number that JSON has'],
    ['a key that is no text', 'spec:\n  ? [a]\n  : b\n', 5, 'Keys must be strings'],
    ['an alias without an anchor', 'spec: {a: *nowhere}\n', 4, '*nowhere refers to no anchor'],
    ['an alias of a node that contains it', 'spec: &a {b: *a}\n', 4, 'contains itself'],
    ['something that is no manifest', 'spec: {}\n---\n- 1\n', 6, 'This is not a mapping'],
  ])('reports %s with its line', (_, rest, line, message) => {
    const { problems } = parse(`${head}metadata: {name: users}\n${rest}`);
    expect(problems).toEqual([{ file, line, column: expect.any(Number), message: expect.stringContaining(message) }]);
    expect({}).not.toHaveProperty('polluted');
  });

  it('reads words, numbers, tags and merge keys as kubectl does', () => {
    const { manifests, problems } = parse(
      `${head}metadata: {name: users}\nspec:\n  base: &base {on: yes, mode: 017}\n  size: 9223372036854775807\n  at: !!timestamp 2001-01-01\n  own: {<<: *base, mode: 0o7}\n`,
    );
    expect(problems).toEqual([]);
    expect(manifests[0]?.manifest.spec).toEqual({
      base: { true: true, mode: 15 },
      size: 9223372036854775807n,
      at: '2001-01-01',
      own: { true: true, mode: 7 },
    });
  });

  it('rejects aliases that would expand endlessly', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
      lines.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    }
    const { manifests, problems } = parse(`${head}metadata: {name: bomb}\nspec:\n  ${lines.join('\n  ')}\n`);
    expect(manifests).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining('aliases') })]);
  });

  it('rejects few aliases that still expand endlessly', () => {
    const lines = ['a: &a [x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi', 'ij', 'jk', 'kl', 'lm']) {
      lines.push(`${to}: &${to} [*${from}, *${from}]`);
    }
    const { manifests, problems } = parse(`${head}metadata: {name: bomb}\nspec:\n  ${lines.join('\n  ')}\n`);
    expect(manifests).toEqual([]);
    expect(problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining('aliases of a document may stand for') }),
    ]);
  });

  it('survives nesting that is too deep', () => {
    expect(parse(`${head}metadata: {name: deep}\nspec: ${'['.repeat(100_000)}`).problems).toHaveLength(1);
    expect(parse(`${head}metadata: {name: deep}\nspec: {a: ${'['.repeat(150)}${']'.repeat(150)}}`).problems).toEqual([
      expect.objectContaining({ line: 4, message: expect.stringContaining('100 levels deep') }),
    ]);
  });

  it('rejects text that is too large without parsing it', () => {
    expect(parse(`${head}${'#'.repeat(4 * 1024 * 1024)}`)).toEqual({
      manifests: [],
      problems: [{ file, message: 'The file is larger than 4 MiB; split it.' }],
    });
  });

  it('parses mappings with very many keys', () => {
    const keys = Array.from({ length: 30_000 }, (_, index) => `  key-${index}: x\n`);
    expect(parse(`${head}metadata: {name: wide}\nspec:\n${keys.join('')}`).manifests).toHaveLength(1);
  });
});
