import { fileURLToPath } from 'node:url';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const program = fileURLToPath(new URL('../../../testing/src/plugins/requires.ts', import.meta.url));
const start = `exec '${process.execPath}' '${program}'`;

const table = `apiVersion: example.org/v1
kind: Table
metadata: { name: users }
spec: { plan: gold }
`;

const plan = `apiVersion: v1
kind: ConfigMap
metadata: { name: gold, namespace: default, uid: 5f0e, resourceVersion: "7" }
data: { tier: high }
`;

const keys = `apiVersion: v1
kind: Secret
metadata: { name: one, namespace: default, labels: { tier: high } }
---
apiVersion: v1
kind: Secret
metadata: { name: two, namespace: default, labels: { tier: low } }
`;

const config = (kinds: string) => `delegations:
  - name: tables
    base: { apiVersion: example.org/v1, kind: Table }
    api: Table
    dependents: { kinds: [{ apiVersion: v1, kind: ConfigMap }] }
    requirements: { kinds: [${kinds}] }
`;

let workspace: GreetingWorkspace;

beforeAll(async () => {
  const map = '{ apiVersion: v1, kind: ConfigMap }';
  workspace = await GreetingWorkspace.make({
    'users.yaml': table,
    'plan.yaml': plan,
    'keys.yaml': keys,
    'tables.yaml': config(`${map}, { apiVersion: v1, kind: Secret }`),
    'narrow.yaml': config(map),
  });
});

afterAll(() => workspace[Symbol.asyncDispose]());

const render = (settings: string, ...args: string[]) =>
  kplug(['render', 'users.yaml', ...args, '--start', start, '--config', settings], { cwd: workspace.folder });

function read(stdout: string) {
  const documents = parseAllDocuments(stdout).map((document) => document.toJS() as { kind: string; status?: object });
  const kinds = documents.map(({ kind }) => kind).filter((kind) => kind !== 'Event');
  return { kinds, status: documents.find(({ kind }) => kind === 'Table')?.status };
}

describe('kplug render with a plugin that requires resources', () => {
  it('gives those of --observed, in rounds, and does not print them', async () => {
    const { code, stdout } = await render('tables.yaml', '--observed', 'plan.yaml', 'keys.yaml');
    expect(code).toBe(0);
    expect(read(stdout)).toMatchObject({ kinds: ['Table'], status: { tier: 'high', keys: ['one'] } });
  });

  it('gives those among the manifests', async () => {
    const { code, stdout } = await render('tables.yaml', 'plan.yaml', 'keys.yaml');
    expect(code).toBe(0);
    expect(read(stdout)).toMatchObject({ kinds: ['Table'], status: { tier: 'high', keys: ['one'] } });
  });

  it('says which are missing', async () => {
    const { code, stdout } = await render('tables.yaml');
    expect(code).toBe(0);
    expect(read(stdout).status).toMatchObject({ tier: 'none', keys: [] });
  });

  it('refuses a kind that the delegation does not permit', async () => {
    const { code, stderr } = await render('narrow.yaml', 'plan.yaml', 'keys.yaml');
    expect(code).toBe(1);
    expect(stderr).toContain('RequirementForbidden');
    expect(stderr).toContain('list it in requirements.kinds');
  });
});
