// Attacks by other users of the machine, through files that the operator runs.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, chown, lchown, link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import {
  archiveOf,
  HostingTrial,
  hostingOperator,
  isRunning,
  makeFolder,
  moduleOf,
  put,
  ReleaseServer,
  waitOptions,
} from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';

const isRoot = process.getuid?.() === 0;
const user = process.getuid?.() ?? 0;
const stranger = 54_321;
const script = '#!/bin/sh\nexec sleep 600\n';

/** Operator with an honest plugin in a folder of its own. */
async function start(options: Parameters<typeof HostingTrial.start>[0] = {}, prepare?: (directory: string) => unknown) {
  const directory = join(await makeFolder(), 'plugins');
  await mkdir(directory, { mode: 0o755 });
  await prepare?.(directory);
  return HostingTrial.start({ directory, ...options }, { adminAddress: '127.0.0.1:0' });
}

/** Expects that a plugin is refused for a path, and the honest one runs. */
async function expectRefused(trial: HostingTrial, name: string, path: string, mode: string): Promise<void> {
  const { message, pid } = await trial.expectState(name, 'failing');
  expect(message).toContain(`other users may change ${path} (mode ${mode}, owner `);
  expect(message).toContain('or trust these users with --allow-writable-plugins-dir');
  expect(pid).toBeUndefined();
}

describe('a file that others may change', () => {
  it.each(['666', '646', '777'])('with mode %s is not run, and the refusal names the remedy', async (digits) => {
    // Without the defence any user of the machine runs code as the operator.
    const mode = Number.parseInt(digits, 8);
    const trial = await start();
    await trial.put('honest.js', moduleOf());
    await trial.put('evil.sh', script, mode | 0o111);
    const shown = (mode | 0o111).toString(8).padStart(4, '0');
    await expectRefused(trial, 'evil.sh', trial.path('evil.sh'), shown);
    await trial.expectState('honest.js', 'live');
    // The remedy works without a restart.
    await chmod(trial.path('evil.sh'), 0o755);
    await trial.expectState('evil.sh', 'starting');
    // A file that becomes writable later isn't restarted.
    await chmod(trial.path('evil.sh'), mode | 0o111);
    const refused = await vi.waitFor(() => {
      const status = trial.status('evil.sh');
      expect(status?.message).toContain('other users may change');
      return status;
    }, waitOptions);
    const refusals = () =>
      trial.log.filter(({ msg }) => msg.startsWith("evil.sh can't be started: other users may change")).length;
    await vi.waitFor(() => expect(refusals()).toBeGreaterThanOrEqual(2), waitOptions);
    // Without a process, it has ended already.
    if (refused?.pid !== undefined) process.kill(refused.pid, 'SIGKILL');
    const started = () =>
      expect(trial.status('evil.sh')?.lastExit).toContain("can't be started: other users may change");
    await vi.waitFor(started, waitOptions);
  });

  it('is shown with its mode, owner and remedy by kplug plugins and kplug doctor', async () => {
    // Without it the administrator doesn't know why a plugin isn't run.
    const trial = await start();
    await trial.put('evil.sh', script, 0o757);
    await trial.expectState('evil.sh', 'failing');
    const admin = ['--admin', `http://${trial.operator.controller.adminAddress}`];
    const path = trial.path('evil.sh');
    const expected = `other users may change ${path} (mode 0757, owner ${user}; the operator runs as ${user}); run chmod o-w ${path}`;
    expect((await kplug(['plugins', ...admin])).stderr.replaceAll(/\s+/g, ' ')).toContain(expected);
    expect((await kplug(['plugins', 'describe', 'evil.sh', ...admin])).stdout).toContain(expected);
    const { stdout } = await kplug(['doctor', ...admin, '-o', 'json']);
    expect(stdout).toContain(expected);
  });

  it.each<[string, (directory: string, outside: string) => Promise<string>]>([
    ['a module that another one imports', async (directory) => join(directory, 'folder/lib/shared.js')],
    ['a folder with modules', async (directory) => join(directory, 'folder/lib')],
    ['its plugin.yaml', async (directory) => join(directory, 'folder/plugin.yaml')],
    ['its program', async (directory) => join(directory, 'folder/plugin.sh')],
    ['the folder itself', async (directory) => join(directory, 'folder')],
    [
      'the target of a link in it',
      async (directory, outside) => {
        await writeFile(join(outside, 'library.js'), '');
        await symlink(join(outside, 'library.js'), join(directory, 'folder/lib/link.js'));
        return join(outside, 'library.js');
      },
    ],
    [
      'the folder of the target of a link in it',
      async (directory, outside) => {
        await mkdir(join(outside, 'open'));
        await writeFile(join(outside, 'open/library.js'), '');
        await symlink(join(outside, 'open/library.js'), join(directory, 'folder/lib/link.js'));
        return join(outside, 'open');
      },
    ],
  ])('as %s keeps a folder from being run', async (_, pathIn) => {
    // Without the defence the check of the program alone is passed by the files that it loads.
    const outside = await makeFolder();
    const directory = join(await makeFolder(), 'plugins');
    await put(join(directory, 'folder/plugin.sh'), script, 0o755);
    await put(join(directory, 'folder/lib/shared.js'), '');
    const path = await pathIn(directory, outside);
    await put(join(directory, 'folder/plugin.yaml'), 'command: ./plugin.sh\n');
    await chmod(path, 0o777);
    const trial = await HostingTrial.start({ directory });
    await expectRefused(trial, 'folder', path, '0777');
  });

  it.each(['_shared.js', '_lib', 'node_modules', 'package.json', '../node_modules'])(
    'as %s beside a module keeps it from being run',
    async (name) => {
      // Without the defence a module imports code of others, which Node.js finds beside it or in a folder above.
      const trial = await start({}, async (directory) => {
        await mkdir(join(directory, name));
        await chmod(join(directory, name), 0o777);
      });
      await trial.put('module.js', moduleOf());
      await expectRefused(trial, 'module.js', join(trial.directory, name), '0777');
    },
  );

  it.each([
    ['a link to it', (target: string, path: string) => symlink(target, path)],
    ['a hard link to it', (target: string, path: string) => link(target, path)],
  ])('is not run through %s', async (_, make) => {
    // Without the defence the mode of the link counts, not that of the file.
    const outside = await makeFolder();
    await put(join(outside, 'tool.sh'), script, 0o777);
    const trial = await start({}, (directory) => make(join(outside, 'tool.sh'), join(directory, 'tool.sh')));
    const { message } = await trial.expectState('tool.sh', 'failing');
    expect(message).toMatch(/other users may change \S+tool\.sh \(mode 0777/);
  });
});

describe('a plugins folder that others may change', () => {
  it.each<[string, number, (directory: string) => string]>([
    ['itself', 0o777, (directory) => directory],
    ['itself, with the sticky bit', 0o1777, (directory) => directory],
    ['by the folder above it', 0o777, (directory) => dirname(directory)],
  ])('%s is not used', async (_, mode, pathIn) => {
    // Without the defence any user of the machine adds a plugin, or replaces the folder.
    const trial = await start({}, (directory) => chmod(pathIn(directory), mode));
    await trial.put('plugin.sh', script, 0o755);
    const path = pathIn(trial.directory);
    await expectRefused(trial, 'plugin.sh', path, mode.toString(8).padStart(4, '0'));
    const log = trial.log.map(({ msg }) => msg);
    expect(log).toContainEqual(
      expect.stringContaining(`the plugins folder ${trial.directory} is not used: other users`),
    );
    await chmod(path, 0o755);
    await trial.expectState('plugin.sh', 'starting');
  });

  it('through a link is not used', async () => {
    // Without the defence the folder of the link is checked, and another one is used.
    const outside = await makeFolder();
    await mkdir(join(outside, 'open'));
    await chmod(join(outside, 'open'), 0o777);
    const directory = join(await makeFolder(), 'plugins');
    await symlink(join(outside, 'open'), directory);
    const trial = await HostingTrial.start({ directory });
    await trial.put('plugin.sh', script, 0o755);
    await expectRefused(trial, 'plugin.sh', join(outside, 'open'), '0777');
  });

  it('is used when that is allowed, as in a volume', async () => {
    const trial = await start({ allowWritable: true }, (directory) => chmod(directory, 0o2777));
    await trial.put('module.js', moduleOf(), 0o666);
    await trial.expectState('module.js', 'live');
  });

  it('receives no downloads, neither of the operator nor of kplug', async () => {
    // Without the defence others replace a release after its checksum was verified, or have files of the operator removed.
    const server = await ReleaseServer.start();
    server.serve('example/a@v1', archiveOf({ path: 'a.sh', mode: 0o755, content: script }));
    const trial = await start({ list: { items: 'example/a@v1', baseUrl: server.url } }, (directory) =>
      chmod(directory, 0o777),
    );
    const { message } = await trial.expectState('example.a', 'failing');
    expect(message).toContain(`can't be downloaded: other users may change ${trial.directory} (mode 0777`);
    const args = [
      'plugins',
      'fetch',
      'example/a@v1',
      '--plugins-dir',
      trial.directory,
      '--plugins-base-url',
      server.url,
    ];
    const { code, stderr } = await kplug(args);
    expect([code, stderr.replaceAll(/\s+/g, ' ')]).toEqual([1, expect.stringContaining('other users may change')]);
    expect(server.requests).toEqual([]);
    await expect(kplug([...args, '--allow-writable-plugins-dir'])).resolves.toMatchObject({ code: 0 });
    await expect(kplug([...args, '--allow-writable-plugins-dir=maybe'])).resolves.toMatchObject({ code: 2 });
  });

  it('does not have folders elsewhere cleaned up through a link', async () => {
    // Without the defence a link named .downloads has the operator remove the files of any folder.
    const elsewhere = await makeFolder();
    await writeFile(join(elsewhere, 'precious'), '');
    await utimes(join(elsewhere, 'precious'), 0, 0);
    const server = await ReleaseServer.start();
    const list = { items: 'example/a@v1', baseUrl: server.url };
    const trial = await start({ list, allowWritable: true }, (directory) =>
      symlink(elsewhere, join(directory, '.downloads')),
    );
    expect((await trial.expectState('example.a', 'failing')).message).toContain(
      '.downloads is not a folder; remove it',
    );
    expect(readFileSync(join(elsewhere, 'precious'), 'utf8')).toBe('');
  });
});

describe.runIf(isRoot)('a file of another user', () => {
  it.each<[string, (directory: string) => string]>([
    ['a program', (directory) => join(directory, 'plugin.sh')],
    ['the plugins folder', (directory) => directory],
    ['the folder above', (directory) => dirname(directory)],
  ])('as %s is not run', async (_, pathIn) => {
    // Without the defence its owner changes it after the check, whatever its mode.
    const trial = await start({}, async (directory) => {
      await put(join(directory, 'plugin.sh'), script, 0o755);
      await chown(pathIn(directory), stranger, stranger);
    });
    const { message } = await trial.expectState('plugin.sh', 'failing');
    expect(message).toMatch(
      /\(mode 0755, owner 54321; the operator runs as 0\); run chown 0 |\(mode 0700, owner 54321/,
    );
  });

  it('that is a link in a folder with the sticky bit is not followed', async () => {
    // Without the defence its owner points the link to another folder.
    const trial = await start({}, async (directory) => {
      await rm(directory, { recursive: true });
      await mkdir(`${directory}-real`, { mode: 0o755 });
      await symlink(`${directory}-real`, directory);
      await lchown(directory, stranger, stranger);
      await chmod(dirname(directory), 0o1777);
    });
    await put(join(`${trial.directory}-real`, 'plugin.sh'), script, 0o755);
    await expectRefused(trial, 'plugin.sh', trial.directory, '0777');
  });
});

describe('a plugin.yaml', () => {
  it.each<[string, (path: string) => Promise<unknown>, string]>([
    // Without the defence the scan of the folder waits for ever, and with it all other plugins.
    ['that is a pipe', (path) => run('mkfifo', [path]), 'is not a file'],
    ['that is an endless device', (path) => symlink('/dev/zero', path), 'is not a file'],
    // Without the defence a file fills the memory of the operator.
    ['of 8 GiB', (path) => run('truncate', ['-s', '8G', path]), 'is larger than 64 KiB'],
  ])('%s delays no other plugin', async (_, make, message) => {
    const trial = await start({}, async (directory) => {
      await mkdir(join(directory, 'evil'));
      await make(join(directory, 'evil/plugin.yaml'));
    });
    await trial.put('honest.js', moduleOf());
    await trial.expectState('honest.js', 'live');
    expect((await trial.expectState('evil', 'failing')).message).toContain(message);
  });
});

describe('a process of the folder', () => {
  it("gets neither the operator's credentials nor its descriptors and input", async () => {
    // Without the defence a plugin holds the rights of the operator without looking for them.
    const directory = join(await makeFolder(), 'plugins');
    const probe = `import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
      const links = readdirSync('/proc/self/fd').flatMap((name) => {
        try { return [readlinkSync('/proc/self/fd/' + name)]; } catch { return []; }
      });
      writeFileSync('_found', JSON.stringify({ environment: process.env, links, input: readFileSync(0, 'utf8') }));
      setInterval(() => {}, 1000);`;
    await put(join(directory, 'probe.mjs'), probe);
    const secretFile = join(directory, '_secret');
    await writeFile(secretFile, 'secret');
    const descriptor = openSync(secretFile, 'r');
    const secrets = ['KUBECONFIG', 'GITHUB_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'KPLUG_TOKEN', 'KPLUG_PLUGINS_BASE_URL'];
    const env = { ...process.env, ...Object.fromEntries(secrets.map((name) => [name, 'secret'])), NODE_OPTIONS: '' };
    // Descriptor 4 is inherited without close-on-exec, as from a shell.
    const operator = spawn(process.execPath, [hostingOperator, directory], {
      env: { ...env, SSH_AUTH_SOCK: 'secret', HTTPS_PROXY: 'http://user:secret@proxy' },
      stdio: ['pipe', 'ignore', 'inherit', 'ipc', descriptor],
    });
    closeSync(descriptor);
    operator.stdin?.write('secret');
    const found = await vi.waitFor(() => JSON.parse(readFileSync(join(directory, '_found'), 'utf8')), waitOptions);
    operator.kill('SIGKILL');
    await vi.waitFor(() => expect(isRunning(operator.pid)).toBe(false), waitOptions);
    expect(JSON.stringify(found)).not.toContain('secret');
    const allowed = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'PWD', 'OLDPWD', 'SHLVL', '_'];
    const others = Object.keys(found.environment).filter((name) => !allowed.includes(name));
    expect(others.sort()).toEqual(['KPLUG_CONTROLLER', 'KPLUG_INSTANCE_ID', 'KPLUG_TOKEN']);
    expect(found.input).toBe('');
  });

  it('gets the variables that a setting names, but none of the operator alone', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy.test:3128');
    vi.stubEnv('NO_PROXY', 'test');
    const trial = await start({ inheritedEnvironment: ['HTTPS_PROXY', 'MISSING'] });
    await trial.put('print.sh', '#!/bin/sh\necho "$HTTPS_PROXY $NO_PROXY"\nexec sleep 600\n', 0o755);
    await vi.waitFor(() => expect(trial.linesOf('print.sh')).toEqual(['http://proxy.test:3128 ']), waitOptions);
    vi.unstubAllEnvs();
    await expect(start({ inheritedEnvironment: ['KPLUG_TOKEN'] })).rejects.toThrow('is for the operator alone');
    await expect(start({ inheritedEnvironment: ['A=B'] })).rejects.toThrow('is not the name of a variable');
  });
});

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} exited with ${code}`))));
  });
}
