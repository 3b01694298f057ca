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
  'plugin.ts': `import type { Plugin } from '@kplug/sdk';
  export declare const plugin: Plugin<
    { spec: { columns: { name: string; type: string }[] } },
    { DatabaseTablePostgreSqlExtension: { spec: { partitions: number } } }
  >;`,
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

it('every snippet in TypeScript compiles', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, code] of Object.entries(surroundings)) writeFileSync(join(folder, name), code);
  cpSync(join(root, 'examples/foobar/gen'), join(folder, 'gen'), { recursive: true });
  const places = new Map<string, string>();
  for (const [index, snippet] of snippetsIn('ts').entries()) {
    writeFileSync(join(folder, `snippet-${index}.ts`), `${snippet.code}\nexport {};\n`);
    places.set(`snippet-${index}.ts`, placeOf(snippet));
  }
  expect(places.size).toBeGreaterThan(10);
  const paths = { '@kplug/conformance': [join(root, 'packages/conformance/src/index.ts')] };
  const compilerOptions = { noEmit: true, paths };
  const project = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  const { stdout } = await execute('tsc', ['-p', folder, '--pretty', 'false'], { cwd: folder }).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout.replaceAll(/snippet-\d+\.ts/g, (name) => `${places.get(name)} + `)).toBe('');
});
