import { chmod } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { configuration, makeProject, pluginOf } from '../testing/dev-project.ts';

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
