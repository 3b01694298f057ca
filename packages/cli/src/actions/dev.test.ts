import { execFileSync } from 'node:child_process';
import { chmod, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { configuration, DevProject, greeting, pluginOf, waiting } from '../testing/dev-project.ts';

let projects: DevProject[] = [];

async function makeProject(files?: Record<string, string | undefined>): Promise<DevProject> {
  const project = await DevProject.make(files);
  projects.push(project);
  return project;
}

afterEach(async () => {
  for (const project of projects) await project[Symbol.asyncDispose]();
  projects = [];
});

/** Returns the processes whose command line contains a text. */
function processesOf(text: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

const control = { c: '\u0003' };

describe('kplug dev', { timeout: 120_000 }, () => {
  it('runs a file, shows the status of a resource, and reconciles it at once when the code of the same version changes', async () => {
    const project = await makeProject();
    const dev = project.start();
    await dev.expect(/greeting\/world +Ready.*text="Hello, World".*\(\d+ ms\)/);
    await project.write('hello.ts', pluginOf({ text: 'Welcome' }));
    // Although the former answer is valid for an hour.
    await dev.expect(/greeting\/world +Ready.*text="Welcome, World"/);
    expect(dev.output).toMatch(/hello\.ts +hello\.ts changed\n/);
    expect(dev.output).toMatch(/hello\.ts +new code runs as Hello 1\.0\.0 after [\d.]+ m?s/);
  });

  it('shows a resource again whose status stays with the new code', async () => {
    const project = await makeProject();
    const dev = project.start();
    const seen = await dev.expect(/greeting\/world +Ready/);
    await project.write('hello.ts', `${pluginOf()}// a remark`);
    await dev.expect(/greeting\/world +Ready.*, unchanged \(/, seen);
  });

  it('follows the manifests', async () => {
    const project = await makeProject();
    const dev = project.start();
    await dev.expect(/greeting\/world +Ready/);
    await project.write('samples/world.yaml', greeting('world', '{ who: Moon }'));
    await dev.expect(/greeting\/world +Ready.*text="Hello, Moon"/);
    await project.write('samples/more.yaml', greeting('more'));
    await dev.expect(/greeting\/more +Ready/);
    await rm(project.path('samples/more.yaml'));
    await dev.expect(/greeting\/more +deleted/);
  });

  it('restarts once for several saves in a short time, and for a file that is replaced by renaming', async () => {
    const project = await makeProject({ 'greet.ts': `export const word = 'one';\n` });
    const plugin = pluginOf({ before: `import { word } from './greet.ts';` }).replace(`'Hello, '`, `word + ', '`);
    await project.write('hello.ts', plugin);
    const dev = project.start();
    await dev.expect(/text="one, World"/);
    for (const word of ['two', 'three', 'four']) await project.write('greet.ts', `export const word = '${word}';\n`);
    await dev.expect(/text="four, World"/);
    await project.replace('greet.ts', `export const word = 'five';\n`);
    await dev.expect(/text="five, World"/);
    expect(dev.output).not.toMatch(/text="(two|three), World"/);
    expect(dev.output.match(/greet\.ts changed/g)).toHaveLength(2);
  });

  it('shows an error of syntax with file and line, goes on with the former code, and says when it is mended', async () => {
    const project = await makeProject();
    const dev = project.start();
    await dev.expect(/greeting\/world +Ready/);
    await project.write('hello.ts', pluginOf().replace('return {', 'return = {'));
    const failed = await dev.expect(/hello\.ts +does not start: hello\.ts:7 SyntaxError.*; the former code goes on/);
    await dev.expect(/^ {10} +return = \{/m, failed);
    await project.write('samples/more.yaml', greeting('more'));
    await dev.expect(/greeting\/more +Ready.*text="Hello, World"/, failed);
    await project.write('hello.ts', pluginOf({ text: 'Mended' }));
    await dev.expect(/hello\.ts +mended; new code runs/, failed);
    await dev.expect(/greeting\/world +Ready.*text="Mended, World"/, failed);
    expect(dev.output.match(/does not start/g)).toHaveLength(1);
  });

  it('shows the stack of a crash once, although the plugin is started again', async () => {
    const before = `import { appendFileSync } from 'node:fs'; appendFileSync('starts.txt', '.');
throw new Error('no database');`;
    const project = await makeProject({ 'hello.ts': pluginOf({ before }) });
    const dev = project.start();
    await dev.expect(/does not start: hello\.ts:3 Error: no database; it is started again/);
    await dev.expect(/^ {10} +at .*hello\.ts:3:7/m);
    await vi.waitFor(async () => expect(await readFile(project.path('starts.txt'), 'utf8')).toBe('...'), waiting);
    await project.write('hello.ts', pluginOf());
    await dev.expect(/mended; runs as Hello 1\.0\.0/);
    expect(dev.output.match(/no database/g)).toHaveLength(3);
  });

  it('shows what a plugin writes with its name', async () => {
    const project = await makeProject({ 'hello.ts': pluginOf({ body: `console.log('greeting ' + base.spec.who);` }) });
    const dev = project.start();
    await dev.expect(/^\d\d:\d\d:\d\d {2}hello\.ts +greeting World$/m);
  });

  it('runs a command, and several plugins, which prefer the names of their folders', async () => {
    const files = { 'a/plugin.mjs': pluginOf({ name: 'A' }), 'b/plugin.mjs': pluginOf({ name: 'B' }) };
    const project = await makeProject({ ...files, 'hello.ts': undefined });
    const several = project.start(['a', 'b']);
    await several.expect(/^\S+ +a\/plugin\.mjs +runs as A 1\.0\.0/m);
    await several.expect(/^\S+ +b\/plugin\.mjs +runs as B 1\.0\.0/m);
    several.signal('SIGINT');
    expect(await several.ended()).toBe(0);
    const command = project.start(['--', process.execPath, '-e', 'console.log("begun"); setInterval(() => 0, 1000)']);
    await command.expect(/begun/);
  });

  it('builds again when a source is saved during a build, and shows only what was saved last', async () => {
    const sdk = import.meta.resolve('@kplug/sdk');
    const mainGo = (text: string) => pluginOf({ text }).replace('@kplug/sdk', sdk);
    // A compiler that takes a second and copies its input.
    const go = `#!/bin/sh\necho begun >> builds.log\nsleep 1\n{ echo '#!${process.execPath}'; cat main.go; } > "$3" && chmod +x "$3"\n`;
    const project = await makeProject({
      'hello.ts': undefined,
      'go.mod': 'module x',
      'main.go': mainGo('one'),
      'bin/go': go,
    });
    await chmod(project.path('bin/go'), 0o755);
    const dev = project.start([], { env: { PATH: `${project.path('bin')}:${process.env.PATH}` } });
    await dev.expect(/text="one, World"/);
    const builds = () => readFile(project.path('builds.log'), 'utf8');
    for (const [text, count] of [
      ['two', 2],
      ['three', 3],
    ] as const) {
      await project.write('main.go', mainGo(text));
      await vi.waitFor(async () => expect((await builds()).match(/begun/g)).toHaveLength(count), waiting);
    }
    await dev.expect(/text="three, World"/);
    expect(dev.text).not.toContain('text="two, World"');
  });

  it('follows kplug.yaml: goes on with a fault in it, and starts again when it is mended', async () => {
    const project = await makeProject({ 'kplug.yaml': configuration.replace('api:', 'apo:') });
    const dev = project.start();
    await dev.expect(/kplug\.yaml:\d+:\d+: .*; waiting for a change of it/);
    await project.write('kplug.yaml', configuration);
    await dev.expect(/greeting\/world +Ready/);
    await project.write('kplug.yaml', configuration.replace('name: greetings', 'nome: greetings'));
    const seen = await dev.expect(/the operator goes on with the former configuration/);
    await project.write('kplug.yaml', configuration.replace('name: greetings', 'name: others'));
    await dev.expect(/kplug\.yaml changed; starting the operator again/, seen);
    await dev.expect(/greeting\/world +Ready/, seen);
  });

  it('ends its plugins on SIGTERM, and when it is killed', async () => {
    const project = await makeProject();
    const dev = project.start();
    await dev.expect(/greeting\/world +Ready/);
    dev.signal('SIGTERM');
    expect(await dev.ended()).toBe(0);
    expect(processesOf(project.folder)).toEqual([]);
    const killed = project.start();
    await killed.expect(/greeting\/world +Ready/);
    await killed.kill();
    await vi.waitFor(() => expect(processesOf(project.folder)).toEqual([]), waiting);
  });
});

describe('on a terminal, kplug dev', { timeout: 120_000 }, () => {
  const start = async (columns = 80) => {
    const project = await makeProject({ 'samples/moon.yaml': greeting('moon', '{ who: Moon }') });
    const dev = project.start([], { columns });
    await dev.expect(/greeting\/world/);
    await dev.expect(/greeting\/moon/);
    return { project, dev };
  };

  it('reconciles all resources with r, prints their statuses with p, and help with ?', async () => {
    const { dev } = await start();
    const before = dev.text.length;
    dev.press('r');
    await dev.expect('reconciling all resources', before);
    await dev.expect(/greeting\/world/, before);
    await dev.expect(/greeting\/moon/, before);
    dev.press('p');
    await dev.expect(/NAME +READY +IMPLEMENTATION/, before);
    dev.press('?');
    await dev.expect('print the statuses of all resources', before);
    dev.press('c');
    await vi.waitFor(() => expect(dev.output).toContain('\u001b[2J'), waiting);
  });

  it('shows only what f names, and all again after an empty answer', async () => {
    const { dev } = await start();
    dev.press('f');
    dev.press('mooo\u007fn\u007f');
    const asked = await dev.expect('filter: moo');
    dev.press('\r');
    const filtered = await dev.expect('showing only what contains "moo"', asked);
    dev.press('r');
    await dev.expect('greeting/moon', filtered);
    dev.press('f\r');
    const all = await dev.expect('showing all', filtered);
    expect(dev.text.slice(filtered, all)).not.toContain('greeting/world');
    dev.press('r');
    await dev.expect('greeting/world', all);
  });

  it('prints no line that is wider than the terminal', async () => {
    const { project, dev } = await start();
    await project.write('hello.ts', pluginOf({ body: `throw new Error('${'word '.repeat(60)}');` }));
    await dev.expect(/word[\s\S]*word[\s\S]*greeting/);
    // The place of the error in the plugin.
    await dev.expect(/ at .*\(hello\.ts:6:11\)/);
    const lines = dev.text.split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeGreaterThan(10);
  });

  it.each([
    ['q', 'q'],
    ['Ctrl-C', control.c],
  ])('ends its plugins with %s', async (_, key) => {
    const { project, dev } = await start();
    dev.press(key);
    expect(await dev.ended()).toBe(0);
    expect(processesOf(project.folder)).toEqual([]);
  });

  it('quits at once with a second Ctrl-C, and leaves no process', async () => {
    const body = `process.on('SIGTERM', () => undefined); await new Promise((resolve) => setTimeout(resolve, 3_600_000));`;
    const project = await makeProject({ 'hello.ts': pluginOf({ body: `console.log('begun'); ${body}` }) });
    const dev = project.start([], { columns: 80 });
    await dev.expect('begun');
    dev.press(control.c);
    await dev.expect('stopping the plugin');
    dev.press(control.c);
    expect(await dev.ended()).toBe(130);
    await vi.waitFor(() => expect(processesOf(project.folder)).toEqual([]), waiting);
  });
});

describe('kplug dev says what to do when', { timeout: 120_000 }, () => {
  it.each<[string, Record<string, string | undefined>, string[], number, RegExp]>([
    [
      'there is no plugin',
      { 'hello.ts': undefined },
      [],
      3,
      /no plugin found in .*; name a file or folder, .*kplug init plugin/,
    ],
    ['the path is wrong', {}, ['other.ts'], 3, /other\.ts does not exist; name a file or folder/],
    [
      'there are no delegations',
      { 'kplug.yaml': undefined },
      [],
      2,
      /there is no kplug\.yaml; write a delegation into it, .* such as/,
    ],
    [
      'kplug.yaml has none',
      { 'kplug.yaml': 'concurrency: 3' },
      [],
      2,
      /kplug\.yaml has no delegations; write a delegation/,
    ],
    [
      'the configuration is missing',
      {},
      ['--config', 'x.yaml'],
      3,
      /x\.yaml does not exist; name another with --config/,
    ],
    [
      'there are no manifests',
      { 'samples/world.yaml': undefined },
      [],
      3,
      /neither samples nor manifests, .*; create samples/,
    ],
    [
      'the manifests are missing',
      {},
      ['--manifests', 'x'],
      3,
      /manifests x does not exist; create it, or name another/,
    ],
    [
      'a port is in use',
      { 'kplug.yaml': `${configuration}grpcBindAddress: 127.0.0.1:PORT\n` },
      [],
      5,
      /can't listen on --grpc-bind-address .* in use/,
    ],
  ])('%s', async (_, files, args, code, message) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const filled = Object.entries(files).map(([file, text]) => [file, text?.replace('PORT', String(port))]);
    const project = await makeProject(Object.fromEntries(filled));
    const dev = project.start(args);
    expect(await dev.ended()).toBe(code);
    server.close();
    expect(dev.text.trim().split('\n').at(-1)).toMatch(message);
  });

  it('another operator uses the directory', async () => {
    const project = await makeProject();
    const first = project.start();
    await first.expect(/greeting\/world +Ready/);
    const second = project.start();
    expect(await second.ended()).toBe(2);
    expect(second.text).toMatch(/samples is in use by another operator, process \d+/);
    expect(second.text).not.toContain('runs as');
  });

  it('dependencies are not installed, and starts the plugin once they are', async () => {
    const project = await makeProject({ 'package.json': '{"type":"module","dependencies":{"x":"1"}}' });
    const dev = project.start();
    await dev.expect(/node_modules is missing; run "npm install" in /);
    await project.write('node_modules/x/package.json', '{}');
    await dev.expect(/mended; runs as Hello 1\.0\.0/);
    expect(dev.text.match(/node_modules is missing/g)).toHaveLength(1);
  });

  it('Python has no package kplug, Go is not installed, or a command does not exist', async () => {
    const project = await makeProject({
      'a/requirements.txt': '',
      'a/plugin.py': 'import kplug',
      'b/go.mod': 'module b',
      // An interpreter without packages.
      'bin/python3': '#!/bin/sh\nexit 1\n',
    });
    await chmod(project.path('bin/python3'), 0o755);
    const path = `${project.path('bin')}:/bin:/usr/bin`;
    const dev = project.start(['a', 'b'], { env: { PATH: path, VIRTUAL_ENV: '' } });
    await dev.expect(/a +there is no virtual environment, .*\.venv\/bin\/pip install -r requirements\.txt/);
    await dev.expect(/b +go is not installed, .*https:\/\/go\.dev\/dl/);
    const command = project.start(['--manifests', 'bin', '--', 'no-such-program']);
    await command.expect(/no-such-program is not on the PATH; install it/);
  });

  it('the plugin writes into its own folder whenever it runs', async () => {
    const body = `(await import('node:fs')).writeFileSync('state.json', String(Math.random()));`;
    const project = await makeProject({ 'hello.ts': pluginOf({ body }) });
    const dev = project.start();
    await dev.expect('state.json changes whenever the plugin runs; it is not watched any more');
    const from = dev.text.length;
    await project.write('hello.ts', pluginOf({ body, text: 'Goodbye' }));
    await dev.expect(/text="Goodbye, World"/, from);
    expect(dev.text.slice(from)).not.toContain('state.json changed');
  });
});
