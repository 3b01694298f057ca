import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildGoPluginFor } from '../tools/languages/go.ts';
import { installPythonFor } from '../tools/python/environment.ts';

// In CI, a missing toolchain is a failure.
const [python, go] = await Promise.all([
  installPythonFor('the tests of kplug crd in Python'),
  buildGoPluginFor('the tests of kplug crd in Go'),
]);

const typescript = `
import { definePlugin, terminal } from '${import.meta.resolve('@kplug/sdk')}';
import { z } from '${import.meta.resolve('zod')}';
const base = z.object({ spec: z.object({
  who: z.string().min(1).max(63).meta({ 'x-kplug-column': 'Who' }),
  times: z.int().min(1).max(9).default(1),
}).meta({ 'x-kubernetes-validations': [{ rule: 'self.times < 5 || self.who != "World"' }] }) });
await definePlugin({ name: 'Plain', version: '1.0.0', api: 'Greeting@1.0.0', base, reconcile() {} }).serve();
`;

const msgspec = `
from typing import Annotated
from kplug import Plugin, Result
from msgspec import Meta, Struct

class Spec(Struct):
    who: Annotated[str, Meta(min_length=1, max_length=63, extra_json_schema={"x-kplug-column": "Who"})]
    times: Annotated[
        int,
        Meta(ge=1, le=9, extra_json_schema={"x-kubernetes-validations": [{"rule": "self != 5"}]}),
    ] = 1

plugin = Plugin("Plain", version="1.0.0", api="Greeting@1.0.0", spec=Spec)
plugin.reconcile(lambda call: Result())
plugin.run()
`;

const pydantic = `
from kplug import Plugin, Result
from pydantic import BaseModel, Field

class Spec(BaseModel):
    who: str = Field(min_length=1, max_length=63, json_schema_extra={"x-kplug-column": "Who"})
    times: int = Field(1, ge=1, le=9, json_schema_extra={"x-kubernetes-validations": [{"rule": "self != 5"}]})

plugin = Plugin("Plain", version="1.0.0", api="Greeting@1.0.0", spec=Spec)
plugin.reconcile(lambda call: Result())
plugin.run()
`;

interface Case {
  name: string;
  version: string;
  file: string;
  content: string;
  command: string[];
}

const cases: Case[] = [
  { name: 'zod', version: 'v1', file: 'plugin.ts', content: typescript, command: [process.execPath, 'plugin.ts'] },
  ...(python
    ? [
        { name: 'msgspec', version: 'v2', file: 'plugin.py', content: msgspec, command: [python, 'plugin.py'] },
        { name: 'pydantic', version: 'v3', file: 'plugin.py', content: pydantic, command: [python, 'plugin.py'] },
      ]
    : []),
];

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
}, startTimeout);

afterAll(() => cluster?.close());

async function definitionsOf(command: readonly string[], cwd: string, ...options: string[]) {
  const { code, stdout, stderr } = await kplug(['crd', ...options, '--', ...command], { cwd });
  expect(code, stderr).toBe(0);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-crd-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

it.each(cases)('defines a kind from a schema of $name, which the API server enforces', async (one) => {
  const folder = await emptyFolder();
  await writeFile(join(folder, one.file), one.content);
  const group = `${one.name}.example.org`;
  // Other tests define a Greeting, too.
  const kind = `Welcome${one.version}`;
  const names = ['--api-version', `${group}/${one.version}`, '--kind', kind];
  const [definition] = await definitionsOf(one.command, folder, ...names);
  await cluster.define(definition);
  const namespace = await cluster.namespace();
  const create = async (spec: object) => {
    const greeting = {
      apiVersion: `${group}/${one.version}`,
      kind,
      metadata: { name: 'a', namespace },
      spec,
    };
    const path = `/apis/${group}/${one.version}/namespaces/${namespace}/${definition.spec.names.plural}?dryRun=All&fieldValidation=Strict`;
    return await cluster.request('POST', path, greeting);
  };
  await expect(create({ who: 'World', preferredImplementation: 'Plain' })).resolves.toMatchObject({
    spec: { times: 1 },
  });
  await expect(create({})).rejects.toThrow('spec.who: Required value');
  await expect(create({ who: '' })).rejects.toThrow('spec.who');
  await expect(create({ who: 'World', times: 10 })).rejects.toThrow('spec.times');
  await expect(create({ who: 'World', times: 5 })).rejects.toThrow('failed rule');
  await expect(create({ who: 'World', wrong: 1 })).rejects.toThrow('unknown field');
  const [column] = definition.spec.versions[0].additionalPrinterColumns;
  expect(column).toMatchObject({ name: 'Who', type: 'string', jsonPath: '.spec.who' });
});

it.skipIf(!go)('defines kinds from the types of a plugin in Go', async () => {
  const options = ['--api-version', 'go.example.org/v1', '--kind', 'WelcomeTable'];
  const definitions = await definitionsOf(go ?? [], await emptyFolder(), ...options);
  for (const definition of definitions) await cluster.define(definition);
  expect(definitions.map(({ spec }) => spec.names.kind)).toEqual(['WelcomeTable', 'DatabaseTableSqliteExtension']);
  const namespace = await cluster.namespace();
  const table = {
    apiVersion: 'go.example.org/v1',
    kind: 'WelcomeTable',
    metadata: { name: 'a', namespace },
    spec: {},
  };
  const path = `/apis/go.example.org/v1/namespaces/${namespace}/welcometables?dryRun=All`;
  await expect(cluster.request('POST', path, table)).rejects.toThrow('spec.serverName: Required value');
});
