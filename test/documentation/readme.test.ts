import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug, startKplug } from '@kplug/testing/kplug';
import { beforeEach, expect, it, vi } from 'vitest';
import { shellCommands } from './shell-commands.ts';
import { readSnippets, type Snippet } from './snippets.ts';

const waiting = { timeout: 60_000, interval: 100 };
const snippets = readSnippets('README.md');

/** Arguments of `kplug` in the snippet that contains a text. */
const argumentsIn = (text: string) => shellCommands(find(text).code)[0]?.slice(4) ?? [];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kplug-readme-'));
  return () => rmSync(folder, { recursive: true });
});

function find(text: string): Snippet {
  const found = snippets.find(({ code }) => code.includes(text));
  if (!found) throw new Error(`README.md has no snippet with ${text}`);
  return found;
}

/** Replaces ages, which differ in each run, and the spaces that align columns. */
function normalize(output: string): string {
  return output
    .replaceAll(/\b\d+m?s\b/g, 'AGE')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** Returns the plugin that the resource of the walkthrough has, with the reason. */
async function implementation(): Promise<string> {
  const { stdout } = await kplug(['get', 'greetings', '--manifests', 'manifests'], { cwd: folder });
  return stdout.split('\n')[1]?.split(/ +/).slice(1, 4).join(' ') ?? '';
}

/** Returns the process of a plugin of the folder `plugins`. */
async function processOf(file: string): Promise<number> {
  const { stdout } = await kplug(['plugins', 'describe', file, '-o', 'json', '--manifests', 'manifests'], {
    cwd: folder,
  });
  return JSON.parse(stdout).hosted.plugins[0].pid;
}

it('the walkthrough of the README works as written', { timeout: 240_000 }, async () => {
  const plugin = find('// hello.ts').code;
  mkdirSync(join(folder, 'plugins'));
  mkdirSync(join(folder, 'manifests'));
  writeFileSync(join(folder, 'plugins/hello.ts'), plugin);
  writeFileSync(join(folder, 'kplug.yaml'), find('delegations:').code);
  writeFileSync(join(folder, 'manifests/world.yaml'), find('who: World').code);

  const ports = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];
  const args = argumentsIn('kplug operator --manifests');
  expect(args[0]).toBe('operator');
  await using operator = startKplug([...args, ...ports], { cwd: folder });
  const transcript = find('kplug get greetings').code.split('$ ').slice(1);
  expect(transcript).toHaveLength(2);
  for (const part of transcript) {
    const [command = '', ...output] = part.split('\n');
    const [words = []] = shellCommands(command);
    await vi.waitFor(async () => {
      const { stdout, stderr } = await kplug(words.slice(5), { cwd: folder });
      expect(`${normalize(stdout)}${stderr}`, operator.stderr).toBe(normalize(output.join('\n')));
    }, waiting);
  }
  expect(readFileSync(join(folder, 'plugins/greetings.txt'), 'utf8')).toBe('Hello, World!\n');

  writeFileSync(join(folder, 'plugins/polite.ts'), plugin.replace("'Plain'", "'Polite'"));
  await vi.waitFor(async () => expect(await implementation()).toBe('True Polite Preferred'), waiting);
  const before = operator.stderr.length;
  process.kill(await processOf('polite.ts'), 'SIGKILL');
  await vi.waitFor(
    () => expect(operator.stderr.slice(before)).toContain('handed over from Polite 1.0.0 to Plain 1.0.0'),
    waiting,
  );
  await vi.waitFor(async () => expect(await implementation()).toBe('True Polite Preferred'), waiting);
  rmSync(join(folder, 'plugins/polite.ts'));
  await vi.waitFor(async () => expect(await implementation()).toBe('True Plain Fallback'), waiting);
});
