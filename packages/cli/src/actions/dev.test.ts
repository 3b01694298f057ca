import { chmod, readFile, rm } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { configuration, greeting, makeProject, pluginOf, processesOf, waiting } from '../testing/dev-project.ts';

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

  it('shows an exception of a call with the frames of own code, once', async () => {
    const project = await makeProject({
      'kplug.yaml': configuration.replace('initial: 1h', 'initial: 10ms'),
      'hello.ts': pluginOf({ body: `throw new Error('wrong word');` }),
    });
    const dev = project.start();
    await dev.expect(
      /hello\.ts +the call failed with an unexpected error.*\n {10}Error: wrong word\n +at .*\(hello\.ts:6:11\)\n\d/,
    );
    await dev.expect(/greeting\/world +NotReady PluginError: Hello 1\.0\.0: .*wrong word/);
    await dev.expect(/attempt=3/);
    expect(dev.text.match(/^ +Error: wrong word/gm)).toHaveLength(1);
    expect(dev.text).not.toMatch(/kplug +Hello 1\.0\.0: /);
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
