import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import { expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const sdk = import.meta.resolve('@kplug/sdk');
const zod = import.meta.resolve('zod');

const plugin = `
import { definePlugin } from '@kplug/sdk';
import { z } from '${zod}';
const base = z.object({
  spec: z.object({
    size: z.int().min(1).meta({ description: 'Rows.', 'x-kplug-column': 'Size' }),
    mode: z.enum(['fast', 'safe']).default('safe'),
  }).meta({ 'x-kubernetes-validations': [{ rule: 'self.mode == "safe" || self.size < 10' }] }),
  status: z.object({ rows: z.int().min(1) }).optional(),
});
const options = z.object({ spec: z.object({ engine: z.string() }) });
console.log('a line that the plugin prints');
await definePlugin({
  name: 'Plain', version: '1.0.0', api: 'Table@1.0.0', base, extensions: { TableStyle: options }, reconcile() {},
}).serve();
`;

const configuration = `delegations:
  - name: tables
    base: { apiVersion: example.org/v1beta1, kind: DataTable }
    api: Table@^1.0.0
    extensions: { kinds: [{ apiVersion: options.example.org/v1, kind: TableStyle }] }
    selection: { preferencePath: .spec.engine.preferred }
`;

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-crd-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

it('generates the kinds of a delegation, with columns, rules and the fields of the operator', async () => {
  const cwd = await folderWith({ 'plugin.ts': plugin, 'kplug.yaml': configuration });
  const { code, stdout, stderr } = await kplug(['crd', 'plugin.ts'], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  const [base, options] = parseAllDocuments(stdout).map((document) => document.toJS());
  expect(base).toMatchObject({
    metadata: { name: 'datatables.example.org' },
    spec: {
      names: { kind: 'DataTable', plural: 'datatables' },
      versions: [
        {
          name: 'v1beta1',
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', description: 'Rows.', jsonPath: '.spec.size' },
            { name: 'Ready' },
            { name: 'Reason' },
            { name: 'Implementation' },
            { name: 'Age', type: 'date' },
          ],
        },
      ],
    },
  });
  const { spec, status } = base.spec.versions[0].schema.openAPIV3Schema.properties;
  expect(spec).toEqual({
    type: 'object',
    required: ['size'],
    'x-kubernetes-validations': [{ rule: 'self.mode == "safe" || self.size < 10' }],
    properties: {
      size: { description: 'Rows.', type: 'integer', minimum: 1 },
      mode: { type: 'string', enum: ['fast', 'safe'], default: 'safe' },
      engine: { type: 'object', properties: { preferred: expect.objectContaining({ type: 'string' }) } },
      extensions: expect.objectContaining({ type: 'array' }),
    },
  });
  // Another plugin may write a status that this one would not.
  expect(status.properties.rows).toEqual({ type: 'integer' });
  expect(status['x-kubernetes-preserve-unknown-fields']).toBe(true);
  expect(options.metadata.name).toBe('tablestyles.options.example.org');
  expect(options.spec.versions[0].additionalPrinterColumns.map(({ name }: { name: string }) => name)).toEqual(['Age']);
});

it('generates kinds that kplug validate checks resources with', async () => {
  const cwd = await folderWith({
    'plugin.ts': plugin,
    'kplug.yaml': configuration,
    'a.yaml':
      'apiVersion: example.org/v1beta1\nkind: DataTable\nmetadata: { name: a }\nspec: { size: 20, mode: fast }\n',
  });
  await kplug(['crd', 'plugin.ts', '--write', 'crds.yaml'], { cwd });
  const { code, stdout } = await kplug(['validate', 'a.yaml', '--crd', 'crds.yaml'], { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain('self.mode == "safe" || self.size < 10');
});

it('writes a file, and reports later whether it is up to date', async () => {
  const cwd = await folderWith({ 'plugin.ts': plugin, 'kplug.yaml': configuration });
  expect(await kplug(['crd', 'plugin.ts', '--write', 'crd.yaml'], { cwd })).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'wrote crd.yaml\n',
  });
  expect(await kplug(['crd', '.', '--check', 'crd.yaml'], { cwd })).toMatchObject({
    code: 0,
    stderr: 'crd.yaml is up to date\n',
  });
  await writeFile(
    join(cwd, 'plugin.ts'),
    plugin.replace("z.enum(['fast', 'safe'])", "z.enum(['fast', 'safe', 'slow'])"),
  );
  const { code, stdout, stderr } = await kplug(['crd', 'plugin.ts', '--check', 'crd.yaml'], { cwd });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^\+ +- slow$/m);
  expect(stderr).toBe('kplug: crd.yaml is outdated; run the same command with --write crd.yaml\n');
  expect(await readFile(join(cwd, 'crd.yaml'), 'utf8')).not.toContain('slow');
});

it('takes the names of the command line, without a delegation', async () => {
  const cwd = await folderWith({ 'plugin.ts': plugin.replace('@kplug/sdk', sdk) });
  const args = [
    '--api-version',
    'a.org/v1',
    '--kind',
    'Sheet',
    '--plural',
    'sheetz',
    '--short-names',
    'sh',
    '--scope',
    'Cluster',
  ];
  const { stdout } = await kplug(['crd', ...args, '--', 'node', 'plugin.ts'], { cwd });
  expect(parse(stdout.split('---')[0] ?? '')).toMatchObject({
    metadata: { name: 'sheetz.a.org' },
    spec: { scope: 'Cluster', names: { kind: 'Sheet', shortNames: ['sh'] }, versions: [{ name: 'v1' }] },
  });
});

const handmade = (schema: string) => `
import { writeFileSync } from 'node:fs';
writeFileSync(process.env.KPLUG_DESCRIBE, ${JSON.stringify(schema)});
`;

it.each<[what: string, files: Record<string, string>, args: string[], code: number, message: string | RegExp]>([
  ['a file that does not exist', {}, ['none.ts'], 3, 'none.ts does not exist; name a file or folder with a plugin'],
  ['a folder without a plugin', {}, ['.'], 3, 'it has no plugin.yaml or project of a plugin'],
  [
    'a command that does not exist',
    {},
    ['--', 'no-such-command', 'x'],
    2,
    'no-such-command is not on the PATH; install it, or correct the command',
  ],
  [
    'an unknown group',
    { 'plugin.ts': plugin },
    ['plugin.ts'],
    2,
    'give --api-version example.org/v1alpha1, or --config',
  ],
  [
    'a malformed group',
    { 'plugin.ts': plugin },
    ['plugin.ts', '--api-version', 'v1'],
    2,
    'Write a group and a version',
  ],
  [
    'an unknown API',
    { 'plugin.ts': plugin },
    ['plugin.ts', '--api', 'View'],
    3,
    'Plain has no API View; it has Table@1.0.0',
  ],
  ['a plugin that fails', { 'plugin.ts': 'throw new Error("no database")' }, ['plugin.ts'], 1, 'no database'],
  [
    'a program that is no plugin',
    { 'plugin.js': '' },
    ['plugin.js'],
    1,
    'exited without describing itself; update its SDK',
  ],
  ['a malformed description', { 'plugin.js': handmade('{}') }, ['plugin.js'], 1, 'wrote a malformed description'],
  [
    'a plugin without schemas',
    { 'plugin.js': handmade('{"plugin":"Plain","version":"1.0.0","apis":[{"name":"Table","version":"1.0.0"}]}') },
    ['plugin.js'],
    1,
    'Plain has no schema of its resources (Table@1.0.0); add one to its definition',
  ],
  [
    'a plugin that serves nevertheless',
    { 'plugin.js': 'setInterval(() => {}, 1000); console.log("listening")' },
    ['plugin.js', '--timeout', '1s'],
    1,
    /listening\n.*did not exit within 1 s; update its SDK/s,
  ],
  [
    'a faulty configuration',
    { 'plugin.ts': plugin, 'kplug.yaml': 'delegations: 1' },
    ['plugin.ts'],
    2,
    'kplug.yaml:1: ',
  ],
])('reports %s', async (_, files, args, expected, message) => {
  const cwd = await folderWith(files);
  const { code, stdout, stderr } = await kplug(['crd', ...args], { cwd });
  expect([code, stdout]).toEqual([expected, '']);
  expect(stderr).toMatch(
    typeof message === 'string' ? new RegExp(message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')) : message,
  );
});
