import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Controller } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { pino } from 'pino';

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

/** Result of `kplug conformance`: the number of met requirements, and those not met or not tried. */
export interface Conformance {
  passed: number;
  unmet: string[];
  notTried: string[];
}

/**
 * Runs `kplug conformance plugin` on a plugin for SQLite, in about 40 seconds. Rejects when a MUST is not met.
 *
 * @param options additional options of the command.
 */
export async function checkPlugin(command: readonly string[], options: readonly string[] = []): Promise<Conformance> {
  await using folder = await temporaryFolder();
  return await conformance(folder.path, ['plugin', ...options, '--', ...command]);
}

/**
 * Runs `kplug conformance controller` on an operator of a directory, in less than a minute. Rejects when a MUST is not met.
 */
export async function checkOperator(): Promise<Conformance> {
  await using folder = await temporaryFolder();
  const manifests = join(folder.path, 'manifests');
  mkdirSync(manifests);
  const logger = pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' });
  const base = { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' };
  await using stack = new AsyncDisposableStack();
  const controller = new Controller({
    resources: await openDirectory({ directory: manifests, maxDeletions: 100, logger }),
    // Short enough for the suite to observe unanswered calls.
    delegations: [{ name: 'tables', base, api: 'DatabaseTable@^1.0.0', deadline: '3s' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    allowInsecurePlugins: true,
    logger,
  });
  await controller.start();
  stack.defer(() => controller.stop());
  const given = ['--api', 'DatabaseTable@1.0.0', '--manifests', manifests];
  return await conformance(folder.path, ['controller', controller.heartbeatAddress, ...given]);
}

function temporaryFolder() {
  return mkdtempDisposable(join(tmpdir(), 'kplug-conformance-'));
}

async function conformance(folder: string, [what = '', ...rest]: readonly string[]): Promise<Conformance> {
  const file = join(folder, 'users.yaml');
  writeFileSync(file, users);
  const main = join(repository, 'packages/cli/src/main.ts');
  const args = [main, 'conformance', what, '--resource', file, '-o', 'json', ...rest];
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
