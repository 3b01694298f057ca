import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { HostingTrial, isRunning, makeFolder, moduleOf, waitOptions } from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';

describe('a module in the folder', () => {
  it('starts, reconciles, and drains when it is removed', async () => {
    const trial = await HostingTrial.start();
    trial.operator.table('users');
    await trial.put('folder.ts', moduleOf());
    const { pid, plugin, version } = await trial.expectState('folder.ts', 'live');
    expect({ plugin, version }).toEqual({ plugin: 'Folder', version: '1.0.0' });
    await trial.operator.expectReady('users', 'Folder');
    expect(trial.operator.get('users')?.status).toMatchObject({ pid });

    await rm(trial.path('folder.ts'));
    await trial.expectGone('folder.ts');
    expect(isRunning(pid)).toBe(false);
    expect(trial.log).toContainEqual(expect.objectContaining({ msg: 'folder.ts exited: exit code 0' }));
    expect(trial.operator.controller.registry.size).toBe(0);
  });

  it('is found when the path of the folder is relative', async () => {
    const directory = relative(process.cwd(), await makeFolder());
    const trial = await HostingTrial.start({ directory });
    await trial.put('folder.ts', moduleOf());
    await trial.put('script.sh', '#!/bin/sh\necho here\nexec sleep 600\n', 0o755);
    await trial.expectState('folder.ts', 'live');
    await vi.waitFor(() => expect(trial.linesOf('script.sh')).toEqual(['here']), waitOptions);
  });

  it('finishes calls in flight when it is removed', async () => {
    const trial = await HostingTrial.start();
    const release = trial.path('_release');
    const body = `while (!existsSync('${release}')) await sleep(10); return { status: { done: true } };`;
    const before = `import { existsSync } from 'node:fs'; import { setTimeout as sleep } from 'node:timers/promises';`;
    await trial.put('slow.mjs', moduleOf({ body: `console.log('begun'); ${body}`, before }));
    await trial.expectState('slow.mjs', 'live');
    trial.operator.table('users');
    await vi.waitFor(() => expect(trial.linesOf('slow.mjs')).toContain('begun'), waitOptions);
    await rm(trial.path('slow.mjs'));
    await trial.expectState('slow.mjs', 'draining');
    await writeFile(release, '');
    await trial.expectGone('slow.mjs');
    await vi.waitFor(() => expect(trial.operator.get('users')?.status).toMatchObject({ done: true }), waitOptions);
  });

  it('is killed when it does not exit', async () => {
    const trial = await HostingTrial.start({ drainTimeout: 100 });
    await trial.put('stubborn.js', moduleOf({ before: `process.on('SIGTERM', () => console.log('no'));` }));
    const { pid } = await trial.expectState('stubborn.js', 'live');
    await trial.signal('stubborn.js', 'SIGSTOP');
    await rm(trial.path('stubborn.js'));
    await trial.expectGone('stubborn.js');
    expect(isRunning(pid)).toBe(false);
    expect(trial.log.map(({ msg }) => msg)).toContain('stubborn.js exited: killed: did not exit within 100 ms');
  });
});

describe('a plugin that is replaced', () => {
  it('is live in its new version before the old one drains, so that resources always have a plugin', async () => {
    const trial = await HostingTrial.start();
    const { registry } = trial.operator.controller;
    const served: number[] = [];
    await trial.put('folder.js', moduleOf());
    const old = await trial.expectState('folder.js', 'live');
    trial.operator.table('users');
    await trial.operator.expectReady('users', 'Folder');
    registry.subscribe(() => served.push([...registry.instances()].filter(({ state }) => state === 'live').length));

    await trial.put('folder.js', moduleOf({ version: '2.0.0' }));
    await trial.expectState('folder.js', 'live', { version: '2.0.0', message: '' });
    await vi.waitFor(() => expect(isRunning(old.pid)).toBe(false), waitOptions);
    expect(Math.min(...served)).toBeGreaterThan(0);
    await vi.waitFor(
      () => expect(trial.operator.get('users')?.status).toMatchObject({ by: 'Folder 2.0.0' }),
      waitOptions,
    );
    expect(trial.operator.condition('users', 'Ready')).toMatchObject({ status: 'True' });
  });

  it('continues in its old version when the new one fails', async () => {
    const trial = await HostingTrial.start();
    await trial.put('folder.js', moduleOf());
    const old = await trial.expectState('folder.js', 'live');
    await trial.put('folder.js', `console.error('not today'); process.exit(3);`);
    const failing = await trial.expectState('folder.js', 'live', { lastExit: 'exit code 3', lastLines: ['not today'] });
    expect(failing.message).toBe('the new version exited: exit code 3; last output: not today');
    expect(isRunning(old.pid)).toBe(true);
    trial.operator.table('users');
    await trial.operator.expectReady('users', 'Folder');
    await trial.put('folder.js', moduleOf({ version: '3.0.0' }));
    await trial.expectState('folder.js', 'live', { version: '3.0.0', message: '' });
  });
});

const sleeping = 'import time\ntime.sleep(600)\n';

describe('a plugin that crashes', () => {
  it('is restarted with back-off, and is failing with its last output', { timeout: 60_000 }, async () => {
    const trial = await HostingTrial.start();
    await trial.put('broken.py', 'import sys\nprint("out")\nprint("no database", file=sys.stderr)\nsys.exit(7)\n');
    const status = await trial.expectState('broken.py', 'failing', { lastExit: 'exit code 7' });
    expect(status.lastLines).toEqual(['no database']);
    expect(status.message).toBe('exited: exit code 7; last output: no database');
    expect(status.summary).toBe('exited: exit code 7');
    await vi.waitFor(() => expect(trial.status('broken.py')?.restarts).toBeGreaterThan(3), waitOptions);
    const waits = trial.log.flatMap(({ msg }) => /restarting in (\d+) ms/.exec(msg)?.[1] ?? []);
    expect(waits.slice(0, 4)).toEqual(['50', '100', '200', '200']);
    // A changed file starts immediately.
    await trial.put('broken.py', sleeping);
    await trial.expectState('broken.py', 'starting');
  });

  it('has its failures forgotten after it has been live for a time', { timeout: 60_000 }, async () => {
    const restart = { initialBackOff: 20, maxBackOff: 1_000, resetAfter: 10 };
    const trial = await HostingTrial.start({ restart });
    await trial.put('folder.js', moduleOf());
    for (let crash = 0; crash < 3; crash++) {
      await trial.expectState('folder.js', 'live', { restarts: crash });
      // Longer than the time after which failures are forgotten.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await trial.signal('folder.js', 'SIGKILL');
    }
    await trial.expectState('folder.js', 'live', { restarts: 3, lastExit: 'signal SIGKILL' });
    const waits = trial.log.flatMap(({ msg }) => /restarting in (\d+) ms/.exec(msg)?.[1] ?? []);
    expect(waits).toEqual(['20', '20', '20']);
  });

  it('is killed and restarted when it does not register', async () => {
    const trial = await HostingTrial.start({ health: { startTimeout: 100 } });
    await trial.put('silent.sh', '#!/bin/sh\nsleep 600 & wait\n', 0o755);
    await trial.expectState('silent.sh', 'failing', {
      lastExit: 'killed: did not register with the instance ID in KPLUG_INSTANCE_ID within 100 ms',
    });
  });

  it('is killed and restarted when it stops responding', async () => {
    const trial = await HostingTrial.start({ health: { lostTimeout: 100 } });
    await trial.put('folder.js', moduleOf());
    const { pid } = await trial.expectState('folder.js', 'live');
    await trial.signal('folder.js', 'SIGSTOP');
    const lastExit = 'killed: not registered for 100 ms';
    await trial.expectState('folder.js', 'live', { restarts: 1, lastExit });
    expect(isRunning(pid)).toBe(false);
  });
});

describe('an incomplete file', () => {
  it('is not started until its copy is complete, however long that takes', async () => {
    const trial = await HostingTrial.start();
    const program = await readFile('/bin/sleep');
    const half = program.length >> 1;
    const writer = createWriteStream(trial.path('native'), { mode: 0o755 });
    writer.write(program.subarray(0, half));
    await vi.waitFor(async () => expect((await stat(trial.path('native'))).size).toBe(half), waitOptions);
    // Copied later, and failing by now: the settle time of the half has passed.
    await trial.put('other.py', 'import sys\nsys.exit(1)\n');
    await trial.expectState('other.py', 'failing');
    expect(trial.status('native')).toBeUndefined();
    writer.end(program.subarray(half));
    await once(writer, 'close');
    // Without arguments it exits with 1.
    await trial.expectState('native', 'failing', { lastExit: 'exit code 1' });
  });

  it('is not started while it is empty', async () => {
    const trial = await HostingTrial.start();
    await trial.put('empty.py', '');
    const { pid, message } = await trial.expectState('empty.py', 'failing');
    expect([pid, message]).toEqual([undefined, `${trial.path('empty.py')} is empty`]);
    await trial.put('empty.py', 'import sys\nsys.exit("complete")\n');
    await trial.expectState('empty.py', 'failing', { lastLines: ['complete'] });
  });

  it('is not started while it is being written', async () => {
    const trial = await HostingTrial.start();
    const writer = createWriteStream(trial.path('slow.py'));
    writer.write('import sys\n');
    await vi.waitFor(async () => expect((await stat(trial.path('slow.py'))).size).toBeGreaterThan(0), waitOptions);
    await trial.put('other.py', 'import sys\nsys.exit(1)\n');
    await trial.expectState('other.py', 'failing');
    expect(trial.status('slow.py')).toBeUndefined();
    writer.end('sys.exit("complete")\n');
    await once(writer, 'close');
    await trial.expectState('slow.py', 'failing', { lastLines: ['complete'] });
  });

  it('is skipped by its name, or when it is not a program', async () => {
    const trial = await HostingTrial.start();
    for (const name of [
      '.hidden.py',
      '_part.py',
      'copy.py.tmp',
      'copy.py.part',
      'edit.py~',
      'README.md',
      'types.d.ts',
    ]) {
      await trial.put(name, '#!/bin/sh\nexit 1\n'.slice(name === 'README.md' ? 2 : 0), 0o755);
    }
    await trial.put('plain.sh', '#!/bin/sh\nexit 1\n');
    const { message } = await trial.expectState('plain.sh', 'failing');
    expect(message).toContain('a script without execute permission; run chmod +x on it');
    await trial.put('zzz.py', 'import sys\nsys.exit(1)\n');
    await trial.expectState('zzz.py', 'failing');
    expect(trial.folder.list().map(({ name }) => name)).toEqual(['plain.sh', 'zzz.py']);
  });
});

describe('the folder', () => {
  it('may be created later, and replaced by another one', async () => {
    const directory = join(await makeFolder(), 'later');
    const trial = await HostingTrial.start({ directory });
    await trial.put('first.py', sleeping);
    await trial.expectState('first.py', 'starting');
    await rename(directory, `${directory}-moved`);
    await trial.expectGone('first.py');
    await trial.put('second.py', sleeping);
    await trial.expectState('second.py', 'starting');
  });
});

it('all processes are gone when the controller has stopped', async () => {
  const trial = await HostingTrial.start();
  await trial.put('folder.js', moduleOf());
  await trial.put('family.sh', '#!/bin/sh\nsleep 600 &\necho "child $!"\nwait\n', 0o755);
  const { pid } = await trial.expectState('folder.js', 'live');
  const line = await vi.waitFor(() => trial.linesOf('family.sh')[0] ?? expect.fail('nothing yet'), waitOptions);
  const [guard, child] = [trial.guard, Number(line.replace('child ', ''))];
  expect([pid, guard, child].map(isRunning)).toEqual([true, true, true]);
  await trial.operator.controller.stop();
  expect([pid, guard, child].map(isRunning)).toEqual([false, false, false]);
});
