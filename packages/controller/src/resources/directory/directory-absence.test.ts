import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../limits/limits.ts';
import type { ResourceChange } from '../port.ts';
import type { DirectoryResources } from './directory-resources.ts';
import { documents, onlyProblem, TestDirectory, table, tables, waitFor } from './testing.ts';

const waitOptions = { timeout: 20_000 };

const run = promisify(execFile);

const all = ['users', 'orders', 'items'];
const whole = documents(...all.map((name) => table(name)));

describe('resources whose definition is missing for a while', () => {
  let directory: TestDirectory;
  let resources: DirectoryResources;
  let gone: string[];
  const processes: ChildProcess[] = [];
  /** Mount points of the test. */
  const mounts: string[] = [];

  beforeEach(async () => {
    directory = await TestDirectory.make();
    await directory.write('all.yaml', whole);
    resources = await directory.open();
    gone = [];
    await resources.follow(tables, ({ resource, gone: isGone }: ResourceChange) => {
      if (isGone) gone.push(resource.metadata.name);
    });
  });

  afterEach(async () => {
    for (const writer of processes.splice(0)) writer.kill();
    for (const folder of mounts.splice(0)) await run('umount', [folder]).catch(() => undefined);
    await directory[Symbol.asyncDispose]();
  });

  function names(): string[] {
    return resources
      .list(tables)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  /** Starts a shell that writes to the directory. Each line of its input ends a `read -r _` of the script. */
  function startWriter(script: string): { next(): void; ended: Promise<unknown> } {
    const writer = spawn('/bin/sh', ['-c', script], { cwd: directory.path, stdio: ['pipe', 'ignore', 'inherit'] });
    processes.push(writer);
    return { next: () => void writer.stdin?.write('\n'), ended: once(writer, 'exit') };
  }

  /** Deletes another resource, which shows that deletions are made. */
  async function deleteAnother(): Promise<void> {
    await directory.write('another.yaml', table('another'));
    await waitFor(resources, 'another');
    await directory.remove('another.yaml');
    await vi.waitFor(() => expect(gone).toContain('another'), waitOptions);
    gone.splice(gone.indexOf('another'), 1);
  }

  /** Writers of a file with the resources a, b and c, which wait for a line of their input. */
  const writers: Record<string, string> = {
    'writes the same bytes after a pause': `{ read -r _; cat NEW; } > FILE`,
    'pauses after a document': `{ head -n 6 NEW; read -r _; tail -n +7 NEW; } > FILE`,
    'pauses after a separator': `{ head -n 7 NEW; read -r _; tail -n +8 NEW; } > FILE`,
    'pauses within a line': `{ head -c 100 NEW; read -r _; tail -c +101 NEW; } > FILE`,
    'removes the file first': `rm FILE; { head -n 6 NEW; read -r _; tail -n +7 NEW; } > FILE`,
    'does not truncate the file': `{ head -n 6 NEW; read -r _; tail -n +7 NEW; } 1<> FILE`,
    'truncates the file again': `{ head -n 6 NEW; read -r _; } > FILE; cat NEW > FILE`,
  };

  it.runIf(process.platform === 'linux')(
    'stay while a program has the file open, whatever is written; the program is reported if it takes long',
    async () => {
      const started: ReturnType<typeof startWriter>[] = [];
      const expected = [...all];
      for (const [index, script] of Object.values(writers).entries()) {
        const ownNames = ['a', 'b', 'c'].map((name) => `${name}-${index}`);
        const text = documents(...ownNames.map((name) => table(name)));
        await directory.write(`${index}.yaml`, text);
        await directory.write(`.new-${index}`, text);
        expected.push(...ownNames);
        await waitFor(resources, `c-${index}`);
        started.push(startWriter(script.replaceAll('NEW', `.new-${index}`).replaceAll('FILE', `${index}.yaml`)));
      }
      await vi.waitFor(() => {
        const problems = resources.problems().map(({ file, message }) => [file, message.slice(0, 40)]);
        const open = 'A program has the file open for writing.';
        expect(problems).toEqual(started.map((_, index) => [join(directory.path, `${index}.yaml`), open]));
      }, waitOptions);
      await deleteAnother();
      expect(names()).toEqual(expected.sort());
      for (const writer of started) writer.next();
      for (const writer of started) await writer.ended;
      await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
      await deleteAnother();
      expect(names()).toEqual(expected);
      expect(gone).toEqual([]);
    },
  );

  it('stay while a program appends one document after the other, and closes the file in between', async () => {
    await directory.write('.rest', `---\n${table('orders')}---\n${table('items')}`);
    const writer = startWriter(`head -n 6 all.yaml > .first; cat .first > all.yaml; read -r _; cat .rest >> all.yaml`);
    await sleep(limits.directory.rewriteSettleTime / 2);
    writer.next();
    await writer.ended;
    await deleteAnother();
    expect(names()).toEqual([...all].sort());
    expect(gone).toEqual([]);
  });

  it('stay when a file is empty or has an unfinished last document, until it is complete', async () => {
    await directory.write('comments.yaml', documents(table('d'), table('e')));
    await directory.write('unfinished.yaml', documents(table('f'), table('g')));
    for (const name of ['e', 'g']) await waitFor(resources, name);
    await directory.write('all.yaml', '');
    await directory.write('comments.yaml', '# all.yaml\n\n---\n# nothing\n');
    await directory.write('unfinished.yaml', `${table('f')}---\n`);
    await vi.waitFor(() => {
      expect(resources.problems().map(({ message }) => message.slice(0, 30))).toEqual([
        'The file no longer has any res',
        'The file no longer has any res',
        'The file ends with "---", so i',
      ]);
    }, waitOptions);
    await deleteAnother();
    expect(names()).toEqual([...all, 'd', 'e', 'f', 'g'].sort());
    await directory.write('all.yaml', table('users'));
    await directory.write('comments.yaml', table('e'));
    await directory.write('unfinished.yaml', table('f'));
    await vi.waitFor(() => expect(names()).toEqual(['e', 'f', 'users']), waitOptions);
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
  });

  it('stay longer if another user may write the file, as that program may not be visible', async () => {
    await chmod(join(directory.path, 'all.yaml'), 0o666);
    const writer = startWriter(
      `read -r _; head -n 6 all.yaml > .first; cat all.yaml > .all; cat .first > all.yaml; read -r _; cat .all > all.yaml`,
    );
    writer.next();
    await sleep(limits.directory.rewriteSettleTime + 500);
    writer.next();
    await writer.ended;
    await deleteAnother();
    expect(names()).toEqual([...all].sort());
    expect(gone).toEqual([]);
  });

  it('stay when the volume of their folder is unmounted, until it is mounted again', async ({ skip }) => {
    const [volume, bound] = [join(directory.path, 'volume'), join(directory.path, 'bound')];
    const source = join(directory.path, '../bound');
    for (const folder of [volume, bound, source]) await mkdir(folder);
    const isMounted = await run('mount', ['-t', 'tmpfs', 'none', volume]).then(
      () => true,
      () => false,
    );
    if (!isMounted) return skip('no right to mount');
    mounts.push(volume, bound);
    await run('mount', ['--bind', source, bound]);
    await directory.write('volume/deep/a.yaml', table('a'));
    await directory.write('bound/b.yaml', table('b'));
    for (const name of ['a', 'b']) await waitFor(resources, name);
    for (const folder of [volume, bound]) await run('umount', [folder]);
    await vi.waitFor(() => {
      expect(resources.problems().map(({ file }) => file)).toEqual([
        join(bound, 'b.yaml'),
        join(volume, 'deep/a.yaml'),
      ]);
    }, waitOptions);
    expect(resources.problems()[0]?.message).toMatch(
      /as after a volume was unmounted\. .* are kept: Table default\/b; mount the volume/,
    );
    await deleteAnother();
    expect(names()).toEqual(['a', 'b', ...all].sort());
    await run('mount', ['--bind', source, bound]);
    await directory.write('volume/deep/a.yaml', table('a', 2));
    await waitFor(resources, 'a', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
    await directory.remove('bound/b.yaml');
    await directory.remove('volume/deep');
    await vi.waitFor(() => expect(names()).toEqual([...all].sort()), waitOptions);
    expect(gone.sort()).toEqual(['a', 'b']);
  });

  it('stay across a restart when the file is empty', async () => {
    await resources.close();
    await directory.write('all.yaml', '');
    resources = await directory.open();
    expect(await onlyProblem(resources)).toMatchObject({
      message: expect.stringContaining('no longer has any resource'),
    });
    expect(names()).toEqual([...all].sort());
    await resources.close();
    resources = await directory.open();
    await directory.write('all.yaml', whole);
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
    expect(names()).toEqual([...all].sort());
  });

  it('move from an emptied file to another one', async () => {
    await directory.write('all.yaml', '');
    await onlyProblem(resources);
    await directory.write('new.yaml', documents(table('users', 2), table('orders', 2), table('items', 2)));
    for (const name of all) await waitFor(resources, name, ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
    expect(gone).toEqual([]);
  });

  it('move between files that are renamed, swapped, split and joined', async () => {
    const path = (file: string) => join(directory.path, file);
    await rename(path('all.yaml'), path('renamed.yaml'));
    await waitFor(resources, 'users');
    await directory.write('one.yaml', table('users', 2));
    await directory.write('two.yaml', documents(table('orders', 2), table('items', 2)));
    await rm(path('renamed.yaml'));
    for (const name of all) await waitFor(resources, name, ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await rename(path('one.yaml'), path('three.yaml'));
    await rename(path('two.yaml'), path('one.yaml'));
    await rename(path('three.yaml'), path('two.yaml'));
    await directory.write('joined.yaml', documents(...all.map((name) => table(name, 3))));
    await rm(path('one.yaml'));
    await rm(path('two.yaml'));
    for (const name of all) await waitFor(resources, name, ({ spec }) => expect(spec).toEqual({ columns: 3 }));
    expect(gone).toEqual([]);
  });

  it('are deleted when a complete file without them replaces the former one, or the file is removed', async () => {
    await directory.replace('all.yaml', documents(table('users'), table('orders')));
    await vi.waitFor(() => expect(names()).toEqual(['orders', 'users']), waitOptions);
    await directory.write('all.yaml', table('users'));
    await vi.waitFor(() => expect(names()).toEqual(['users']), waitOptions);
    await directory.remove('all.yaml');
    await vi.waitFor(() => expect(names()).toEqual([]), waitOptions);
    expect(gone).toEqual(['items', 'orders', 'users']);
    expect(directory.log.filter(({ level }) => level >= 40)).toEqual([]);
  });

  it('are kept by the files of editors that are no manifests', async () => {
    for (const file of ['.all.yaml.swp', 'all.yaml~', '#all.yaml#', '4913', 'all.yaml.bak'])
      await directory.write(file, table(file));
    await rename(join(directory.path, 'all.yaml'), join(directory.path, 'all.yaml~'));
    await directory.write('all.yaml', documents(table('users', 2), table('orders'), table('items')));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await deleteAnother();
    expect(names()).toEqual([...all].sort());
    expect(gone).toEqual([]);
  });
});
