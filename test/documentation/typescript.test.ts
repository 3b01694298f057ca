import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { placeOf, root, snippetsIn } from './snippets.ts';

const execute = promisify(execFile);

/** Modules that snippets import as the reader's own code, and variables that they use. */
const surroundings = {
  'tables.ts': `export declare function createOrAlter(
    name: string, columns: { name: string; type: string }[], partitions: number | undefined, signal: AbortSignal,
  ): Promise<{ rows: number; partitions: number }>;
  export declare function drop(name: string): Promise<void>;`,
  'deployment.ts': 'export declare function deploymentOf(spec: { replicas: number }): Record<string, unknown>;',
  'foo.ts': `import { z } from 'zod';
  export const fooSchema = z.object({ spec: z.object({ length: z.int() }) });
  export declare function reconcileFoo(call: { base: z.output<typeof fooSchema> }): { status: { foo: string } };
  export declare function finalizeFoo(call: { base: z.output<typeof fooSchema> }): Promise<void>;`,
  'plugin.ts': `import { definePlugin, terminal } from '@kplug/sdk';
  import { z } from 'zod';
  const column = z.object({ name: z.string(), type: z.string() });
  export const plugin = definePlugin({
    name: 'PostgreSQL',
    version: '1.2.0',
    api: 'DatabaseTable@1.0.0',
    base: z.object({ spec: z.object({ columns: z.array(column) }) }),
    extensions: { DatabaseTablePostgreSqlExtension: z.object({ spec: z.object({ partitions: z.int().default(4) }) }) },
    reconcile({ base, extensions }) {
      if (base.spec.columns.some(({ type }) => type === 'blob'))
        throw terminal('unknown type "blob"; write string or int64', { reason: 'UnknownType' });
      const options = extensions.get('DatabaseTablePostgreSqlExtension');
      return {
        status: { rows: 0 },
        extensions: options ? [{ extension: options, status: { partitions: options.spec.partitions } }] : [],
        requeueAfter: 30_000,
      };
    },
    finalize() {},
  });`,
  'prices.ts': 'export declare function priceOf(size: string): Promise<number>;',
  'backups.ts': `interface Backup { id: string; isDone: boolean; percentage: number; location: string }
  export declare function findBackup(database: string, token: string): Promise<Backup | undefined>;
  export declare function startBackup(database: string): Promise<Backup>;
  export declare function cancelBackup(backup: Backup): Promise<void>;`,
  'bar.ts': 'export declare function reconcileBar(): { status: { bar: string } };',
  'manifests.ts': `import type { Dependent } from '@kplug/sdk';
  export declare function newPassword(): string;
  export declare function secretOf(name: string): Dependent;
  export declare function claimOf(name: string): Dependent;
  export declare function setOf(name: string): Dependent;
  export declare function serviceOf(name: string): Dependent;
  export declare function backupOf(name: string): Dependent;
  export declare function statefulSetOf(name: string, type: 'postgresql' | 'mariadb', version: '16' | '17' | '11.4'): Dependent;`,
  'globals.ts': `declare global {
  const connected: boolean;
  const manifests: Parameters<typeof import('@kplug/conformance').conformCommand>[1]['manifests'];
  const controller: import('@kplug/controller').Controller;
  const FooService: typeof import('./gen/foobar/v1/foobar_pb.ts').FooService;
  }
  export {};`,
};

/** Writes the snippets, and what surrounds them, into a folder that is removed with the test. Returns the place of each file in the docs. */
function writeSnippets(): { folder: string; places: Map<string, string> } {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, code] of Object.entries(surroundings)) writeFileSync(join(folder, name), code);
  // The tutorial adds a file to the generated plugin.
  cpSync(join(root, 'examples/plugin-template/plan.ts'), join(folder, 'plan.ts'));
  cpSync(join(root, 'examples/foobar/gen'), join(folder, 'gen'), { recursive: true });
  const places = new Map<string, string>();
  for (const [index, snippet] of snippetsIn('ts').entries()) {
    const name = snippet.code.includes("from 'node:test'") ? `snippet-${index}.test.ts` : `snippet-${index}.ts`;
    writeFileSync(join(folder, name), `${snippet.code}\nexport {};\n`);
    places.set(name, placeOf(snippet));
  }
  return { folder, places };
}

it('every snippet in TypeScript compiles', async () => {
  const { folder, places } = writeSnippets();
  expect(places.size).toBeGreaterThan(10);
  const paths = {
    '@kplug/conformance': [join(root, 'packages/conformance/src/index.ts')],
    '@kplug/page': [join(root, 'packages/page/src/index.ts')],
  };
  const compilerOptions = { noEmit: true, paths };
  const project = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  const { stdout } = await execute('tsc', ['-p', folder, '--pretty', 'false'], { cwd: folder }).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout.replaceAll(/snippet-\d+(\.test)?\.ts/g, (name) => `${places.get(name)} + `)).toBe('');
});

it('the tests among the snippets pass', async () => {
  const { folder, places } = writeSnippets();
  const tests = [...places.keys()].filter((name) => name.endsWith('.test.ts'));
  expect(tests).toHaveLength(2);
  const { stdout } = await execute('node', ['--test', '--test-reporter', 'tap', ...tests], { cwd: folder }).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout).toMatch(/# pass 4\n# fail 0/);
});
