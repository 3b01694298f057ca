import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const execute = promisify(execFile);
const repository = join(import.meta.dirname, '..');

const users = `apiVersion: myorg.org/v1alpha1
kind: DatabaseTable
metadata: { name: users }
spec:
  serverName: main
  columns:
    - { name: id, type: uint64 }
    - { name: name, type: string }
  extensions:
    - { apiVersion: myorg.org/v1alpha1, kind: DatabaseTableSqliteExtension, name: users }
---
apiVersion: myorg.org/v1alpha1
kind: DatabaseTableSqliteExtension
metadata: { name: users }
spec: { strict: true }
`;

/** What `kplug conformance plugin` found: how many requirements are met, and which aren't, or weren't tried. */
export interface Conformance {
  passed: number;
  unmet: string[];
  notTried: string[];
}

/** Has `kplug conformance plugin` start a plugin for SQLite and try it. Takes some twenty seconds. Rejects when a MUST isn't met. */
export async function tryConformance(command: readonly string[]): Promise<Conformance> {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-conformance-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'users.yaml');
  writeFileSync(file, users);
  const main = join(repository, 'packages/cli/src/main.ts');
  const args = [main, 'conformance', 'plugin', '--resource', file, '-o', 'json', '--', ...command];
  const env = { ...process.env, SQLITE_DIRECTORY: folder };
  const { stdout } = await execute(process.execPath, args, { env, cwd: repository });
  const { verdicts } = JSON.parse(stdout) as { verdicts: { number: string; title: string; result: string }[] };
  const titles = (...results: string[]) =>
    verdicts.filter(({ result }) => results.includes(result)).map(({ number, title }) => `${number} ${title}`);
  return {
    passed: titles('passed').length,
    unmet: titles('failed', 'warning'),
    notTried: titles('notTried'),
  };
}
