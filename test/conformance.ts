import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Controller, type ControllerOptions, type DelegationDeclaration } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { createToken } from '@kplug/controller/tools';
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
 * Runs `kplug conformance plugin` on a plugin, in about 40 seconds. Rejects when a MUST is not met.
 *
 * @param options additional options of the command.
 * @param resource manifests of a base and its extensions. Default: a table, for the plugins for SQLite.
 */
export async function checkPlugin(
  command: readonly string[],
  options: readonly string[] = [],
  resource = users,
): Promise<Conformance> {
  await using folder = await temporaryFolder();
  // A deadline decides nothing but how long a plugin may take on a busy machine.
  return await conformance(folder.path, ['plugin', '--timeout', '30s', ...options, '--', ...command], resource);
}

/**
 * Runs `kplug conformance controller` on an operator of a directory, in about two minutes. Rejects when a MUST is not met.
 */
export async function checkOperator(): Promise<Conformance> {
  await using folder = await temporaryFolder();
  await using operator = await startOperator(folder.path, { heartbeatAddress: '127.0.0.1:0' });
  return await conformance(folder.path, ['controller', operator.address, ...operator.delegated]);
}

/**
 * Runs the requirements on identities, encryption and calls on an operator that is reached by TLS, with a token. Rejects when a MUST is not
 * met.
 */
export async function checkSecuredOperator(): Promise<Conformance> {
  await using folder = await temporaryFolder();
  const tokenFile = join(folder.path, 'tokens.yaml');
  writeFileSync(join(folder.path, 'token'), await createToken(tokenFile, { name: 'suite', plugins: ['Conformance'] }));
  const options = { heartbeatAddress: '0.0.0.0:0', security: { tokenFile } };
  await using operator = await startOperator(folder.path, options);
  const access = ['--ca', join(folder.path, 'manifests/.kplug/tls/ca.crt'), '--token-file', join(folder.path, 'token')];
  const only = ['--only', 'C5,C8,C9,C37,C38,C39,C40,C41'];
  // A name that the certificate has.
  const address = `localhost:${operator.address.split(':').at(-1)}`;
  return await conformance(folder.path, ['controller', address, ...access, ...only, ...operator.delegated]);
}

/** Runs the requirements on capabilities on an operator whose resources ask for some. Rejects when a MUST is not met. */
export async function checkCapableOperator(): Promise<Conformance> {
  await using folder = await temporaryFolder();
  await using operator = await startOperator(folder.path, { heartbeatAddress: '127.0.0.1:0' }, { capability: {} });
  const only = ['--only', 'C47,C48,C49'];
  return await conformance(folder.path, ['controller', operator.address, ...only, ...operator.delegated]);
}

/** Starts an operator of a directory in a folder. Returns its address, and the options for its delegation. */
async function startOperator(
  folder: string,
  options: Partial<ControllerOptions>,
  delegation: Partial<DelegationDeclaration> = {},
) {
  const manifests = join(folder, 'manifests');
  mkdirSync(manifests);
  const logger = pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' });
  const base = { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' };
  const permitted = { kinds: [{ apiVersion: 'v1', kind: 'ConfigMap' }] };
  const permits = { dependents: permitted, requirements: permitted };
  const controller = new Controller({
    resources: await openDirectory({ directory: manifests, maxDeletions: 100, logger }),
    // Short enough for the suite to observe unanswered calls.
    delegations: [{ name: 'tables', base, api: 'DatabaseTable@^1.0.0', deadline: '3s', ...permits, ...delegation }],
    adminAddress: false,
    allowInsecurePlugins: true,
    logger,
    ...options,
  });
  await controller.start();
  return {
    address: controller.heartbeatAddress,
    delegated: ['--api', 'DatabaseTable@1.0.0', '--manifests', manifests],
    [Symbol.asyncDispose]: () => controller.stop(),
  };
}

function temporaryFolder() {
  return mkdtempDisposable(join(tmpdir(), 'kplug-conformance-'));
}

async function conformance(
  folder: string,
  [what = '', ...rest]: readonly string[],
  resource = users,
): Promise<Conformance> {
  const file = join(folder, 'resource.yaml');
  writeFileSync(file, resource);
  const main = join(repository, 'packages/cli/src/main.ts');
  const args = [main, 'conformance', what, '--resource', file, '-o', 'json', ...rest];
  // With an image, the plugins for SQLite return dependents.
  const env = { ...process.env, SQLITE_DIRECTORY: folder, DATASETTE_IMAGE: 'datasette:1' };
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
