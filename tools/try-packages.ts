import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Tests the packages as published: packs them, installs them into an empty folder, and has the installed command run an operator
 * for a plugin of the installed SDK. Requires `pnpm build`.
 */
const packages = ['protocol', 'controller', 'sdk', 'operator', 'conformance', 'cli'];
const folder = mkdtempSync(join(tmpdir(), 'kplug-packages-'));
const children: ReturnType<typeof spawn>[] = [];

const plugin = `
import { definePlugin } from '@kplug/sdk';
await definePlugin({
  name: 'Plain', version: '1.0.0', api: 'Greeting@1.0.0',
  reconcile: ({ base }) => ({ status: { greeted: base.spec.who } }),
}).serve();
`;
const declaration = `
delegations:
  - { name: greetings, base: { apiVersion: example.org/v1, kind: Greeting }, api: Greeting@^1.0.0 }
`;
const manifest = `
apiVersion: example.org/v1
kind: Greeting
metadata: { name: world }
spec: { who: World }
`;

function run(program: string, args: string[], cwd: string): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function start(args: string[], env: Record<string, string> = {}): void {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'inherit' });
  children.push(child);
}

try {
  for (const name of packages) run('pnpm', ['pack', '--pack-destination', folder], join('packages', name));
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'try', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((file) => `./${file}`)], folder);
  console.log(`installed ${tarballs.join(', ')}`);

  mkdirSync(join(folder, 'manifests'));
  writeFileSync(join(folder, 'manifests', 'world.yaml'), manifest);
  writeFileSync(join(folder, 'kplug.yaml'), declaration);
  writeFileSync(join(folder, 'plugin.js'), plugin);
  const kplug = join(folder, 'node_modules', '@kplug', 'cli', 'dist', 'main.js');
  const operator = ['operator', '--manifests', 'manifests', '--config', 'kplug.yaml', '--log-level', 'warn'];
  start([kplug, ...operator, '--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0']);
  const announcement = join(folder, 'manifests', '.kplug', 'operator.json');
  for (let tries = 0; !existsSync(announcement); tries++) {
    if (tries > 1_200) throw new Error(`the operator did not write ${announcement} within a minute`);
    await sleep(50);
  }
  const { heartbeatAddress } = JSON.parse(readFileSync(announcement, 'utf8')) as { heartbeatAddress: string };
  start(['plugin.js'], { KPLUG_CONTROLLER: heartbeatAddress, KPLUG_LOG_LEVEL: 'warn' });

  const get = [kplug, 'get', 'greeting', 'world', '--manifests', 'manifests', '-o', 'json'];
  for (let tries = 0; ; tries++) {
    const resource = run(process.execPath, get, folder);
    if (resource.includes('"greeted": "World"')) break;
    if (tries > 50) throw new Error(`the resource was not reconciled: ${resource}`);
    await sleep(200);
  }
  run(process.execPath, [kplug, 'init', 'plugin', 'made', '--yes'], folder);
  // npm leaves some files that begin with a dot out of a package.
  for (const file of ['.gitignore', '.github/workflows/plugin.yaml', 'package.json'])
    readFileSync(join(folder, 'made', file));
  run(process.execPath, ['--test'], join(folder, 'made'));
  console.log('the installed packages work');
} finally {
  for (const child of children) {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
  }
  rmSync(folder, { recursive: true, force: true });
}
