import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { OwnControlPlane, startTimeout } from '@kplug/testing/control-plane';
import { freePort } from '@kplug/testing/free-port';
import { expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { skipWithout } from '../../tools/languages/toolchain.ts';
import { temporaryFolder, typescript } from '../made-plugin.ts';
import { readSnippets, root, type Snippet } from './snippets.ts';
import { TerminalCommand } from './terminal.ts';

const waiting = { timeout: 60_000, interval: 200 };

/** Headings of the tutorial whose commands other tests run: those of images on the real cluster. */
const elsewhere = ['## Deploy it'];

/** Reader of the tutorial, who takes its snippets one after the other. */
class Reader {
  readonly #snippets: Snippet[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #home: string;
  /** Folder in which the reader types. */
  folder: string;

  constructor(home: string, env: NodeJS.ProcessEnv) {
    const lines = readFileSync(join(root, 'docs/tutorial.md'), 'utf8').split('\n');
    const headingOf = ({ line }: Snippet) => lines.slice(0, line).findLast((text) => text.startsWith('## ')) ?? '';
    this.#snippets = readSnippets('docs/tutorial.md').filter((snippet) => !elsewhere.includes(headingOf(snippet)));
    this.#home = home;
    this.folder = home;
    this.#env = env;
  }

  get unread(): Snippet[] {
    return this.#snippets;
  }

  /** Returns the next snippet, which contains a text. */
  next(text: string): string {
    const snippet = this.#snippets.shift();
    expect(snippet?.code).toContain(text);
    return snippet?.code ?? '';
  }

  /** Runs a command of the next snippet until it ends. */
  async run(command: string): Promise<string> {
    await using running = this.start(command);
    expect(await running.ended(), `${command}: ${running.output}`).toBe(0);
    return running.stdout;
  }

  start(command: string): TerminalCommand {
    return new TerminalCommand(command, this.folder, this.#env);
  }

  /** Runs the commands of the next snippet until they end, but for the last one, which it starts. */
  async startNext(text: string): Promise<TerminalCommand> {
    const commands = this.next(text).trim().split('\n');
    for (const command of commands.slice(0, -1)) await this.run(command);
    return this.start(commands.at(-1) ?? '');
  }

  /** Saves the next snippet to the file that its first line names. */
  save(file: string): void {
    const code = this.next(file);
    expect(code.split('\n')[0]).toMatch(new RegExp(`^(//|#) ${file}$`));
    writeFileSync(join(this.folder, file), code);
  }

  /** Replaces a line of a file by the next snippet. */
  edit(file: string, line: RegExp, text: string): void {
    const path = join(this.folder, file);
    const before = readFileSync(path, 'utf8');
    expect(before).toMatch(line);
    writeFileSync(path, before.replace(line, this.next(text)));
  }

  /** Runs the command of the next snippet until it prints what the tutorial shows. */
  async see(text: string, ...running: TerminalCommand[]): Promise<void> {
    const [, command = '', expected = ''] = /^\$ (.*)\n([\s\S]*)$/.exec(this.next(text)) ?? [];
    await vi.waitFor(async () => {
      const output = await this.run(command);
      expect(normalize(output), running.map(({ output }) => output).join('\n')).toBe(normalize(expected));
    }, waiting);
  }

  enter(folder: string): void {
    this.folder = join(this.#home, folder);
  }
}

/** Replaces ages and ports, which differ in each run, and the spaces that align columns. */
function normalize(output: string): string {
  return output
    .replaceAll(/\b(?:\d+(?:ms|s|m|h))+\b/g, 'AGE')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** Writes commands that the reader has and this test replaces: `npx` runs the command of this repository instead of the published one. */
function writeCommands(folder: string): string {
  mkdirSync(folder);
  const main = join(root, 'packages/cli/src/main.ts');
  const npx = `#!/bin/sh
[ "$1" = -y ] && shift
case "$1" in
  kplug | @kplug/cli) shift && exec "${process.execPath}" "${main}" "$@" ;;
esac
echo "npx: unknown package $1" >&2
exit 1
`;
  writeFileSync(join(folder, 'npx'), npx);
  chmodSync(join(folder, 'npx'), 0o755);
  return folder;
}

/** Folder of `kubectl`. In CI, it is required. */
function folderOfKubectl(): string | undefined {
  const folders = [process.env.KUBEBUILDER_ASSETS ?? '', ...(process.env.PATH ?? '').split(delimiter)];
  const folder = folders.find((one) => one && existsSync(join(one, 'kubectl')));
  return folder ?? skipWithout('kubectl', "the tutorial's part on a cluster");
}

it('works as written, from an empty folder to a cluster', { timeout: startTimeout }, async () => {
  const home = temporaryFolder();
  const kubectl = folderOfKubectl();
  const commands = writeCommands(join(home, 'bin'));
  const port = await freePort();
  // Ports that are free, and a logger of plugins that is not set to silence.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(KPLUG_|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$)/.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    PATH: [commands, dirname(process.execPath), ...(kubectl ? [kubectl] : []), process.env.PATH].join(delimiter),
    KUBECONFIG: join(home, 'kubeconfig'),
    KPLUG_CONTROLLER: `localhost:${port}`,
    KPLUG_GRPC_BIND_ADDRESS: `127.0.0.1:${port}`,
    KPLUG_ADMIN_BIND_ADDRESS: '127.0.0.1:0',
  };
  const reader = new Reader(home, env);

  // Create a plugin.
  const [init = '', enter, install, test = ''] = reader.next('init plugin').trim().split('\n');
  expect([enter, install]).toEqual(['cd first-fit', 'npm install']);
  await reader.run(init);
  reader.enter('first-fit');
  await typescript.install(reader.folder);
  await reader.run(test);
  expect(readFileSync(join(reader.folder, 'plugin.ts'), 'utf8')).toContain(reader.next('definePlugin'));

  // Run an operator on a directory.
  await using directory = await reader.startNext('kplug operator --manifests');
  await reader.see('get addressplans', directory);
  await using firstFit = await reader.startNext('npm start');
  await reader.see('NoPreference', directory, firstFit);
  const resource = parse(await reader.run(reader.next('-o yaml'))) as { status: { subnets: object[] } };
  const shown = parse(reader.next('status:')) as typeof resource;
  expect(resource.status.subnets).toEqual(expect.arrayContaining(shown.status.subnets));

  // Swap the plugin while everything runs.
  reader.save('roomy.ts');
  await using roomy = await reader.startNext('node roomy.ts');
  await reader.see('kplug plugins', directory, roomy);
  reader.save('samples/office.yaml');
  await reader.see('Preferred', directory, roomy);
  await roomy.interrupt();
  await reader.see('Fallback', directory);
  await reader.see('kplug explain', directory);

  // Upgrade it.
  await using upgraded = await reader.startNext('npm version');
  await vi.waitFor(
    async () => expect(await reader.run('npx kplug plugins --manifests samples')).toContain('0.2.0'),
    waiting,
  );
  await firstFit.interrupt();
  await reader.see('0.2.0', directory, upgraded);
  expect(directory.output).not.toMatch(/ERROR/);

  // Write it while it runs.
  await Promise.all([directory.interrupt(), upgraded.interrupt()]);
  const developed = await reader.startNext('kplug dev');
  await vi.waitFor(() => expect(developed.output).toContain('Ready'), waiting);
  reader.edit('plugin.ts', /^ *return \{ status: .*\n/m, 'return { status:');
  await reader.see('count: 3', developed);
  await developed.interrupt();

  // Take it to a cluster.
  if (!kubectl) return;
  const plane = await OwnControlPlane.start();
  try {
    const text = plane.kubeConfig.exportConfig();
    const config = JSON.parse(text) as { contexts: { name: string }[]; 'current-context': string };
    for (const context of config.contexts) context.name = 'kind-kind';
    writeFileSync(env.KUBECONFIG, JSON.stringify({ ...config, 'current-context': 'kind-kind' }));
    await using onCluster = await reader.startNext('kplug dev --context kind-kind');
    await reader.run(reader.next('apply -f samples/office.yaml'));
    await reader.see('kubectl --context kind-kind get', onCluster);
  } finally {
    await plane.stop();
  }
  expect(reader.unread).toEqual([]);
});
