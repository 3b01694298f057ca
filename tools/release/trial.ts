import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@kplug/testing/free-port';
import { accepts } from '../accepts.ts';
import { findHelm } from '../charts/find-helm.ts';
import { helmArguments } from '../charts/helm-arguments.ts';
import { run } from '../image/run.ts';
import { goVariables } from '../languages/go.ts';
import { buildGoTool, type GoTool } from '../languages/go-tool.ts';
import type { Part, Release } from './artifacts.ts';
import { chartCommands, goCommands, goImportPage, goTagOf, imageCommands, npmCommands, runAll } from './publish.ts';

/** Registry of images and charts for one run. */
const crane: GoTool = { name: 'crane', source: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' };

/**
 * Trials of the artifacts, in the order of their parts: each runs the commands that publish them, with a local registry or as a dry run,
 * and installs them as a user does.
 */
export const trials: readonly Part[] = [
  { name: 'npm', build: tryNpm },
  { name: 'python', build: ({ to }) => show('node', ['tools/try-python-package.ts', join(to, 'python')]) },
  { name: 'go', build: tryGo },
  { name: 'charts', build: tryCharts },
  { name: 'images', build: tryImageDefinitions },
];

/** Runs a command of this tree and shows its output. */
function show(program: string, args: string[]): void {
  runAll([{ program, args }]);
}

function tryNpm({ version, to }: Release): void {
  show('node', ['tools/try-packages.ts', join(to, 'npm')]);
  const tarballs = globSync(join(to, 'npm/*.tgz')).sort();
  for (const { program, args } of npmCommands(version, tarballs)) {
    // npm proves the provenance only in a workflow.
    run(program, [...args.filter((arg) => arg !== '--provenance'), '--dry-run']);
  }
  console.log(`npm would publish ${tarballs.length} packages`);
}

/**
 * Pushes the tag to a bare repository, and has Go find the module there by the page of its path: its content must equal the built module.
 * Then builds a plugin with it.
 */
async function tryGo({ version, tree, to, home }: Release): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-go-'));
  const origin = join(folder, 'origin.git');
  run('git', ['init', '--quiet', '--bare', origin]);
  // A shallow clone, as of a workflow, can be pushed only to a repository that accepts that.
  run('git', ['-C', origin, 'config', 'receive.shallowUpdate', 'true']);
  run('git', ['remote', 'set-url', 'origin', origin], { cwd: tree });
  runAll(goCommands(version), tree);
  run('git', ['-C', origin, 'update-server-info']);
  const site = siteOf(origin, home).listen(0, '127.0.0.1');
  await once(site, 'listening');
  try {
    const module = join(folder, 'plugin');
    mkdirSync(module);
    writeFileSync(join(module, 'main.go'), readmeExample(tree));
    const modules = run('go', ['env', 'GOMODCACHE']).trim();
    const env = (proxy: string, name: string): NodeJS.ProcessEnv => ({
      ...process.env,
      ...goVariables,
      GOFLAGS: '-modcacherw -trimpath',
      // A version that was not published may be different tomorrow, so it must not stay in the user's cache.
      GOMODCACHE: join(folder, name),
      GOPROXY: `${proxy}${pathToFileURL(join(modules, 'cache/download')).href},${run('go', ['env', 'GOPROXY']).trim()}`,
      GONOSUMDB: 'kplug.dev/*',
    });
    const fromProxy = env(`${pathToFileURL(resolve(to, 'go')).href},`, 'proxy');
    const fromTag = { ...env('', 'tag'), ...direct(site) };
    run('go', ['mod', 'init', 'example.org/plugin'], { cwd: module, env: fromProxy });
    const [built, tagged] = [await sumOf(version, module, fromProxy), await sumOf(version, module, fromTag)];
    if (built !== tagged)
      throw new Error(`the module that was built is ${built}, and that of ${goTagOf(version)} is ${tagged}`);
    run('go', ['get', `kplug.dev/sdk-go@v${version}`], { cwd: module, env: fromProxy });
    run('go', ['build', '-o', 'plugin', '.'], { cwd: module, env: fromProxy });
    console.log(
      `Go finds kplug.dev/sdk-go v${version} by the tag ${goTagOf(version)}, and builds the plugin of its README`,
    );
  } finally {
    site.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Site that serves the page of the module, and the files of the repository that the page names. */
function siteOf(origin: string, home: Release['home']): Server {
  const url = 'http://kplug.dev/origin.git';
  return createServer(({ url: path = '' }, response) => {
    if (!path.startsWith(`${url}/`)) return response.end(goImportPage(home, url));
    const file = join(origin, new URL(path).pathname.slice('/origin.git'.length));
    if (!existsSync(file)) return response.writeHead(404).end();
    return response.end(readFileSync(file));
  });
}

/** The first example in Go of the module's README. */
function readmeExample(tree: string): string {
  const readme = readFileSync(join(tree, 'packages/sdk-go/README.md'), 'utf8');
  const [, example] = /```go\n(.+?)```/s.exec(readme) ?? [];
  if (!example) throw new Error('packages/sdk-go/README.md has no example in Go');
  return example;
}

/** Variables with which Go and Git ask the local site for everything of the module's domain. */
function direct(site: Server): NodeJS.ProcessEnv {
  const proxy = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  return {
    GOPRIVATE: 'kplug.dev',
    GOINSECURE: 'kplug.dev',
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
  };
}

/** Checksum of the module as Go downloads it, while this process serves the page of the module. */
async function sumOf(version: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const args = ['mod', 'download', '-json', `kplug.dev/sdk-go@v${version}`];
  const { stdout } = await promisify(execFile)('go', args, { cwd, env });
  return (JSON.parse(stdout) as { Sum: string }).Sum;
}

/** Pushes the charts to a registry, pulls them from there, and renders them with the values of their tests. */
async function tryCharts({ version, home, tree, to }: Release, progress: (message: string) => void): Promise<void> {
  const [helm, program] = [await findHelm(progress), await buildGoTool(crane, progress)];
  const folder = mkdtempSync(join(tmpdir(), 'kplug-charts-'));
  const port = await freePort();
  const registry = spawn(program, ['registry', 'serve', '--address', `127.0.0.1:${port}`], { stdio: 'ignore' });
  try {
    await listening(registry, port);
    const archives = globSync(join(to, 'charts/*.tgz')).sort();
    const commands = chartCommands(`127.0.0.1:${port}/kplug`, archives, helm);
    runAll(commands.map((command) => ({ ...command, args: [...command.args, '--plain-http'] })));
    for (const chart of ['kplug', 'kplug-plugin']) {
      const reference = `oci://127.0.0.1:${port}/kplug/charts/${chart}`;
      run(helm, ['pull', reference, '--version', version, '--plain-http', '--destination', folder]);
      const pulled = join(folder, `${chart}-${version}.tgz`);
      if (!readFileSync(pulled).equals(readFileSync(join(to, 'charts', `${chart}-${version}.tgz`))))
        throw new Error(`${reference} is not the packaged chart`);
      for (const values of globSync(join(tree, 'charts', chart, 'ci/*.yaml')))
        run(helm, helmArguments(['template', 'try', pulled, '--values', values]));
    }
    const image = `${home.registry}/operator:${version}`;
    const rendered = run(helm, helmArguments(['template', 'try', join(folder, `kplug-${version}.tgz`)]));
    if (!rendered.includes(image)) throw new Error(`the chart kplug does not install the image ${image}`);
    console.log(`the charts render from the registry, and install ${image}`);
  } finally {
    await end(registry);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Shows what the images' build would do, where Docker has buildx. */
function tryImageDefinitions({ version, home, tree }: Release): void {
  const commands = imageCommands(version, home).map((command) => ({
    ...command,
    args: command.args.map((arg) => (arg === '--push' ? '--print' : arg)),
  }));
  try {
    run('docker', ['buildx', 'version']);
  } catch {
    console.log('SKIPPED the definition of the images, as Docker has no buildx');
    return;
  }
  runAll(commands, tree);
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    if (tries > 300) throw new Error(`${child.spawnfile} did not listen on port ${port} within 30 s`);
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
