import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scripts, shells } from './shell-scripts.ts';

const run = promisify(execFile);

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

let workspace: GreetingWorkspace;

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
});

afterAll(() => workspace[Symbol.asyncDispose]());

/** Returns the completions of bash for the last of some words, after it has sourced the script. */
async function completeInBash(...words: string[]): Promise<string[]> {
  const script = `
    kplug() { "$NODE" "$MAIN" "$@"; }
    source <(kplug completion bash)
    complete -p kplug >&2
    COMP_WORDS=(kplug "$@"); COMP_CWORD=$#
    _kplug
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, NODE: process.execPath, MAIN: main, KPLUG_MANIFESTS: '', KPLUG_ADMIN: '' };
  const { stdout, stderr } = await run('bash', ['-c', script, 'bash', ...words], { cwd: workspace.folder, env });
  expect(stderr.trim()).toBe('complete -F _kplug kplug');
  return stdout.split('\n').filter(Boolean);
}

describe('in bash, kplug completes', () => {
  it.each([
    [
      'commands',
      [''],
      [
        'operator',
        'dev',
        'get',
        'manifests',
        'plugins',
        'capabilities',
        'explain',
        'trace',
        'events',
        'ui',
        'top',
        'logs',
        'reconcile',
        'pause',
        'resume',
        'attach',
        'doctor',
        'validate',
        'crd',
        'render',
        'conformance',
        'record',
        'replay',
        'init',
        'token',
        'completion',
        'version',
        'help',
      ],
    ],
    ['a command prefix', ['ex'], ['explain']],
    ['subcommands', ['plugins', 'd'], ['describe']],
    ['options', ['get', '--o'], ['--output']],
    ['options of a default command', ['plugins', '--ap'], ['--api']],
    ['values of an option', ['get', 'x', '-o', ''], ['table', 'wide', 'yaml', 'json']],
    ['values after an equals sign', ['get', 'x', '--output', '=', 'j'], ['json']],
    ['values at an equals sign', ['plugins', 'describe', '--output', '='], ['text', 'json', 'yaml']],
    ['arguments with choices', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['directories', ['operator', '--manifests', ''], ['manifests']],
    ['the directory of a new plugin', ['init', 'plugin', ''], ['manifests']],
    ['files', ['operator', '--config', 'k'], ['kplug.yaml']],
    ['repeated file arguments', ['render', 'kplug.yaml', 'm'], ['manifests']],
    ['kinds of the directory', ['get', '--manifests', 'manifests', ''], ['greeting', 'greetingstyle']],
    ['names of a kind', ['get', '--manifests', 'manifests', 'greetings', ''], ['world']],
    ['names after the kind', ['explain', '--manifests=manifests', 'greetings'], ['greetingstyle/loud']],
    ['names after the plural of a kind', ['explain', '--manifests=manifests', 'greetings/'], ['greetings/world']],
    ['nothing without an operator', ['plugins', 'describe', '--admin', '127.0.0.1:1', ''], []],
  ])('%s', async (_, words, expected) => {
    expect(await completeInBash(...words)).toEqual(expected);
  });

  it('names of registered plugins', async () => {
    await using other = await GreetingWorkspace.make();
    const operator = await other.startOperator();
    other.startPlugin(operator.at.heartbeatAddress);
    await other.greeting('world', 'HELLO, WORLD!');
    expect(await completeInBash('plugins', 'describe', '--admin', operator.at.adminAddress, 'p')).toEqual(['Plain']);
  });
});

describe('kplug complete', () => {
  it('prints values with descriptions, and the completions that the shell adds', async () => {
    const { stdout } = await kplug(['complete', '--', 'plugins', 'w']);
    expect(stdout).toMatch(/^watch\tlist plugin instances, .*\n:none\n$/);
    expect((await kplug(['complete', '--', 'render', ''])).stdout).toBe(':files\n');
  });

  it('keeps the option in front of a value if the shell does', async () => {
    expect((await kplug(['complete', '--', 'get', 'x', '--output=y'])).stdout).toBe('--output=yaml\t\n:none\n');
  });
});

describe('kplug completion', () => {
  it.each(shells)('prints the script for %s', async (shell) => {
    expect(await kplug(['completion', shell])).toEqual({ code: 0, stdout: `${scripts[shell]}\n`, stderr: '' });
  });

  it('rejects other shells', async () => {
    const { code, stderr } = await kplug(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish');
  });
});
