import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `node tools/try-packages.ts FOLDER`: tests the packed packages in a folder. Installs them into an empty folder, and has the installed
 * command run an operator for a plugin of the installed SDK. Then a strict TypeScript project that checks the types of its dependencies,
 * too, imports every export path, and each older Node.js on the PATH reports the required version.
 */
const [packed] = process.argv.slice(2);
if (!packed) throw new Error('usage: node tools/try-packages.ts FOLDER');
const packages = ['protocol', 'page', 'controller', 'sdk', 'operator', 'conformance', 'cli'];
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

/** Paths by which the published packages can be imported. */
function exportPaths(): string[] {
  return packages.flatMap((name) => {
    const file = join(folder, 'node_modules/@kplug', name, 'package.json');
    const { exports = {} } = JSON.parse(readFileSync(file, 'utf8')) as { exports?: object };
    return Object.keys(exports).map((path) => `@kplug/${name}${path.slice(1)}`);
  });
}

/** Compiles a project that imports every export path, with all checks of the compiler and without `skipLibCheck`. */
function checkTypes(): void {
  const paths = exportPaths();
  const consumer = paths.map((path, index) => `import * as path${index} from '${path}';`);
  const used = `export const paths: object[] = [${paths.map((_, index) => `path${index}`).join(', ')}];`;
  writeFileSync(join(folder, 'consumer.ts'), [...consumer, used].join('\n'));
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  run('npm', ['install', '--no-audit', '--no-fund', '--no-save', `@types/node@${versionOf('@types/node')}`], folder);
  run(join('node_modules', '.bin', 'tsc'), ['-p', folder], '.');
  console.log(`types resolve in a strict project for ${paths.join(', ')}`);
}

/** Version of a dependency of this repository. */
function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Node.js programs on the PATH that are older than the packages require. */
function oldNodes(): string[] {
  const programs = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  return programs.filter((program) => existsSync(program) && isOld(run(program, ['-v'], '.').slice(1)));
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 22 || (major === 22 && minor < 22);
}

/** Entry that browsers load, too, and that asks for no Node.js therefore. */
const forBrowsers = '@kplug/protocol/services';

/** Checks that packages and commands fail on an old Node.js, with one line of explanation. */
function checkRefusals(node: string): void {
  const message = /^@kplug\/\w+ requires Node\.js 22\.22 or newer; this is Node\.js [\d.]+$/;
  for (const main of ['cli/dist/main.js', 'operator/dist/main.js']) {
    const { status, stderr } = spawnSync(node, [join('node_modules/@kplug', main), '--version'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== 1 || !message.test(stderr.trim()))
      throw new Error(`${main} on ${node} exits with ${status}: ${stderr}`);
  }
  for (const path of exportPaths().filter((one) => one !== forBrowsers)) {
    const code = `import(${JSON.stringify(path)}).then(() => console.log('no error'), (error) => console.log(error.message))`;
    const answer = run(node, ['--input-type=module', '-e', code], folder).trim();
    if (!message.test(answer)) throw new Error(`${path} on ${node}: ${answer}`);
  }
  console.log(`${node} is refused with the required version`);
}

try {
  const tarballs = globSync('*.tgz', { cwd: packed }).sort();
  if (tarballs.length !== packages.length)
    throw new Error(`${packed} has not ${packages.length} packages, but ${tarballs}`);
  for (const file of tarballs) copyFileSync(join(packed, file), join(folder, basename(file)));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'try', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((file) => `./${file}`)], folder);
  console.log(`installed ${tarballs.join(', ')}`);
  // The package's name must be enough: `npx` runs a package with several commands only if one has its name.
  console.log(`npx @kplug/cli runs kplug ${run('npx', ['--no', '--', '@kplug/cli', '--version'], folder).trim()}`);

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
  const { heartbeatAddress, adminAddress } = JSON.parse(readFileSync(announcement, 'utf8')) as Record<string, string>;
  const page = await fetch(`http://${adminAddress}/`);
  if (!(await page.text()).startsWith('<!doctype html>')) throw new Error(`the page is missing: ${page.status}`);
  start(['plugin.js'], { KPLUG_CONTROLLER: heartbeatAddress ?? '', KPLUG_LOG_LEVEL: 'warn' });

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
  checkTypes();
  for (const node of oldNodes()) checkRefusals(node);
  console.log('the installed packages work');
} finally {
  for (const child of children) {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
  }
  rmSync(folder, { recursive: true, force: true });
}
