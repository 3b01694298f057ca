// Manifests and definitions of a pull request, checked by `kplug validate` on the machine of a job.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import { expect, it, onTestFinished, vi } from 'vitest';

const MiB = 1_024 * 1_024;

/** Definition of a kind whose spec has a schema. */
const definitionWith = (spec: object) =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.org' },
    spec: {
      group: 'example.org',
      names: { kind: 'Thing', plural: 'things' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } } } },
        },
      ],
    },
  });

const thing = (name: string, spec: string) =>
  `apiVersion: example.org/v1\nkind: Thing\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

const textField = { properties: { text: { type: 'string' } } };

/** Validates the files of a folder with a small heap. */
async function validate(files: Readonly<Record<string, string>>, ...args: string[]) {
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=384');
  const folder = await mkdtemp(join(tmpdir(), 'kplug-validate-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return kplug(['validate', '.', ...args], { cwd: folder });
}

// Without the bounds of the reader, one file would end the check of all others, or fill the memory of the job.
it('YAML bombs and huge files are reported, and the others are checked', { timeout: 120_000 }, async () => {
  const { code, stdout } = await validate({
    'aliases.yaml': `a: &a ${'x'.repeat(MiB)}\nb: [${'{ *a : 1 }, '.repeat(5_000)}]`,
    'bomb.yaml': `a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefgh'.replaceAll(/./g, (name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(10)}]\n`)}`,
    'crd.json': definitionWith(textField),
    'deep.yaml': '['.repeat(2 * MiB),
    'documents.yaml': '---\na\n'.repeat(200_000),
    'huge.yaml': '#'.repeat(4 * MiB + 1),
    'self.yaml': thing('self', '&a { a: [*a] }'),
    'z-honest.yaml': thing('honest', '{ test: x }'),
  });
  expect(code).toBe(1);
  for (const file of ['aliases', 'bomb', 'deep', 'documents', 'huge', 'self']) {
    expect(stdout).toMatch(new RegExp(`^${file}.yaml(:\\d+:\\d+)?: error: `, 'm'));
  }
  expect(stdout).toMatch(/^documents.yaml: error: The file has too many problems; the rest of it is not read$/m);
  expect(stdout).toMatch(
    /^z-honest.yaml:4:9: error: Thing honest: spec.test is not a field of the schema; did you mean text\?$/m,
  );
});

// Without the bounds of expressions, a rule of a definition would run for hours.
it('a rule with nested loops over a large list is not evaluated, and the others are', { timeout: 60_000 }, async () => {
  const all = (inner: string) => `self.list.all(a, self.list.all(b, ${inner}))`;
  const { code, stdout } = await validate({
    'crd.json': definitionWith({
      properties: { list: { type: 'array', items: { type: 'integer' } } },
      'x-kubernetes-validations': [{ rule: all('a + b >= 0') }, { rule: 'size(self.list) < 10', message: 'too long' }],
    }),
    'thing.yaml': thing('large', `{ list: [${Array.from({ length: 50_000 }, (_, index) => index).join()}] }`),
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^thing.yaml:4:1: warning: Thing large: spec: a rule of the schema can't be checked here: it may take /m,
  );
  expect(stdout).toMatch(/^thing.yaml:4:1: error: Thing large: spec: too long$/m);
});

// Without a bound, a document of many faults would fill the log of the job, and take the time of the search for similar names for each.
it('a document with very many faults is reported with the first of them', { timeout: 60_000 }, async () => {
  const { code, stdout } = await validate({
    'crd.json': definitionWith(textField),
    'thing.yaml': thing('faulty', `{ ${Array.from({ length: 50_000 }, (_, index) => `text${index}: 1`).join()} }`),
  });
  expect(code).toBe(1);
  expect(stdout.split('\n').length).toBeLessThan(200);
  expect(stdout).toContain('the resource has more than 100 faults; the others are left out');
});

// Without the check of keys, a field of one manifest would be a default of all others.
it('a key that could change a prototype is refused, and changes no other document', { timeout: 60_000 }, async () => {
  const { stdout } = await validate({
    'a.yaml': thing('a', '{ __proto__: { text: x } }'),
    'b.yaml': thing('b', '{}'),
    'crd.json': definitionWith({ ...textField, required: ['text'] }),
  });
  expect(stdout).toMatch(/^a.yaml:4:9: error: Thing a: spec.__proto__ is a key that is not allowed$/m);
  expect(stdout).toMatch(/^b.yaml:4:1: error: Thing b: spec.text is missing$/m);
});

// Without escapes, a manifest would run workflow commands of GitHub, or write to the terminal of who reads the log.
it.each(['text', 'github', 'junit', 'json'])(
  'a text of a manifest writes no line of its own in the output %s',
  async (output) => {
    const spec = { properties: { text: { type: 'integer' } } };
    const text = '"\\n::add-mask::x\\r::stop-commands::y\\e[31m%0A::error::z"';
    const { stdout } = await validate(
      { 'crd.json': definitionWith(spec), 'thing.yaml': thing('a', `{ text: ${text}, "k\\n::notice::w": 1 }`) },
      '-o',
      output,
    );
    expect(stdout).not.toMatch(/^\s*::(?!error file=)/m);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('spec.text is ');
  },
);
