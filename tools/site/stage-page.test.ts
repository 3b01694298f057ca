import { expect, it } from 'vitest';
import { type Build, stagePage } from './stage-page.ts';

const pages = new Set([
  'README.md',
  'SECURITY.md',
  'docs/limits.md',
  'docs/delegations.md',
  'docs/decisions/README.md',
]);
const build: Build = { base: '/kplug/v1/', sources: 'https://example.org/kplug/blob/v1.0.0' };

function stage(text: string, { file = 'docs/delegations.md', settings = build } = {}) {
  const pictures = new Map<string, string>();
  const staged = stagePage(file, `# Title\n\n${text}\n`, pages, settings, pictures);
  return { text: staged.replace(/^---\n[\s\S]*?\n---\n\n/, '').trim(), staged, pictures };
}

it('has the title and the first paragraph in front matter', () => {
  const { staged } = stage('The [limits](limits.md) of `a`,\nin short.\n\nMore.');
  expect(staged).toMatch(/^---\ntitle: "Title"\ndescription: "The limits of a, in short\."\n---\n/);
  expect(() => stagePage('a.md', 'no heading', pages, build, new Map())).toThrow('a.md does not begin with a heading');
});

it('leaves decisions out of the search', () => {
  expect(stage('A.', { file: 'docs/decisions/0001-a.md' }).staged).toContain('\npagefind: false\n');
  expect(stage('A.', { file: 'docs/decisions/README.md' }).staged).not.toContain('pagefind');
});

it.each([
  ['[a](limits.md#ports)', '[a](/kplug/v1/limits/#ports)'],
  ['[a](decisions/README.md)', '[a](/kplug/v1/decisions/)'],
  ['[a](decisions)', '[a](/kplug/v1/decisions/)'],
  ['[a](../SECURITY.md)', '[a](/kplug/v1/trust-model/)'],
  ['[a](../README.md)', '[a](/kplug/v1/)'],
  ['[`a(b)`](limits.md) and [c](#d)', '[`a(b)`](/kplug/v1/limits/) and [c](#d)'],
  ['[a](https://example.org/b.md)', '[a](https://example.org/b.md)'],
  ['[a](../packages/sdk/src/index.ts)', '[a](https://example.org/kplug/blob/v1.0.0/packages/sdk/src/index.ts)'],
])('leads %s to the place on the site', (link, expected) => {
  expect(stage(link).text).toBe(expected);
});

it('leaves code as it is', () => {
  const code = '`[a](limits.md)` and\n\n```md\n[a](limits.md)\n```';
  expect(stage(code).text).toBe(code);
});

it('shows links to sources as text when the address of the sources is unknown', () => {
  const settings: Build = { base: '/', sources: undefined };
  expect(stage('[`a`](../packages/a.ts), [b](limits.md)', { settings }).text).toBe('`a`, [b](/limits/)');
});

it('collects the pictures', () => {
  const { text, pictures } = stage('![A plot](benchmarks/a.svg)');
  expect(text).toBe('![A plot](/kplug/v1/pictures/a.svg)');
  expect([...pictures]).toEqual([['docs/benchmarks/a.svg', 'pictures/a.svg']]);
});

it('makes diagrams and notes of what GitHub renders as such', () => {
  const { text } = stage(
    '```mermaid\nflowchart LR\n  a["<b> & c"] --> d\n```\n\n> [!NOTE]\n> See [a](limits.md).\n> More.',
  );
  expect(text).toBe(
    [
      '<pre class="mermaid not-content">\nflowchart LR\n  a["&lt;b> &amp; c"] --> d\n</pre>',
      ':::note\nSee [a](/kplug/v1/limits/).\nMore.\n:::',
    ].join('\n\n'),
  );
});
