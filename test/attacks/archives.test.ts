// Attacks on the operator by the content of an archive.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HostingTrial, isRunning, makeFolder, moduleOf, ReleaseServer, waitOptions } from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';
import { type FetchPluginOptions, fetchPlugin } from '../../packages/controller/src/supervisor/download/install.ts';
import { parsePluginItem } from '../../packages/controller/src/supervisor/download/item.ts';
import { unpack } from '../../packages/controller/src/supervisor/download/unpack.ts';
import { unpackProgram } from '../../packages/controller/src/supervisor/download/unpack-program.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';
import { entry, link, pax } from './tar-entry.fixture.ts';

const MiB = 2 ** 20;
/** Longest time that the event loop may be blocked, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

const script = '#!/bin/sh\nexec sleep 600\n';
const limits = { maxBytes: MiB, maxFiles: 100, maxTime: 60_000 };
const end = Buffer.alloc(1_024);

const valid = entry('0', 'plugin.sh', script, { mode: 0o755 });

async function fetchArchive(archive: Buffer, options: Partial<FetchPluginOptions> = {}) {
  const server = await ReleaseServer.start();
  const directory = join(await makeFolder(), 'plugins');
  await mkdir(directory);
  server.serve('example/a@v1', archive);
  const item = parsePluginItem('example/a@v1');
  try {
    return await fetchPlugin(item, { directory, baseUrl: server.url, limits, ...options });
  } finally {
    // Nothing is left of the work, and nothing is outside of the folder.
    const store = await readdir(join(directory, '.downloads'));
    expect(store.filter((name) => name.startsWith('.fetch-'))).toEqual([]);
    expect(readdirSync(join(directory, '..'))).toEqual(['plugins']);
  }
}

describe('an archive with content after its end', () => {
  const zeros = Buffer.alloc(16 * MiB);

  it.each<[string, () => Buffer]>([
    // Without the defence 92 kB of zeros take 13 s of CPU.
    ['zeros', () => gzipSync(Buffer.concat([valid, end, zeros]))],
    // Without the defence the content after the end is read as headers.
    ['garbage', () => gzipSync(Buffer.concat([valid, end, Buffer.alloc(8 * MiB, 'garbage')]))],
    // Without the defence a second member, of any size, is decompressed.
    ['another gzip member', () => Buffer.concat([gzipSync(Buffer.concat([valid, end])), gzipSync(zeros)])],
    // Without the defence a file after the end is unpacked by some programs and not seen by others.
    ['another archive', () => gzipSync(Buffer.concat([valid, end, entry('0', '../evil', 'x'), end]))],
    ['bytes that are not compressed', () => Buffer.concat([gzipSync(Buffer.concat([valid, end])), zeros])],
    ['zeros, without compression,', () => Buffer.concat([valid, end, zeros])],
  ])('of %s is read up to its end', async (_, archive) => {
    const { path } = await fetchArchive(archive());
    expect((await readdir(path)).sort()).toEqual(['.kplug-origin.json', 'plugin.sh', 'plugin.yaml']);
  });

  it('in several gzip members is read up to its end', async () => {
    const half = valid.length - 700;
    const members = [valid.subarray(0, half), valid.subarray(half), end, zeros].map((part) => gzipSync(part));
    const { path } = await fetchArchive(Buffer.concat(members));
    expect(await readFile(join(path, 'plugin.sh'), 'utf8')).toBe(script);
  });
});

describe('an archive', () => {
  const big = (size: number) => Buffer.alloc(size);
  const many = (count: number, make: (index: number) => Buffer) => Array.from({ length: count }, (_, i) => make(i));

  it.each<[string, () => (Buffer | string)[], string]>([
    // Without the defence 300 kB fill the disk.
    ['that is a gzip bomb', () => [entry('0', 'big', big(16 * MiB))], 'it contains more than 1 MiB'],
    // Without the defence headers that are no files have no limit.
    [
      'of headers without files',
      () => [big(0), ...many(301, () => pax({ comment: 'x' }))],
      'it contains more than 100 files',
    ],
    ['of large headers', () => many(4, () => pax({ comment: 'x'.repeat(900_000) })), 'decompresses to more than'],
    ['of a header that is too large', () => [entry('L', 'x', big(2 * MiB - 1_024))], 'only files, folders and links'],
    // Without the defence the file system runs out of inodes.
    ['of a hundred thousand folders', () => many(101, (i) => entry('5', `d${i}/`)), 'more than 100 files'],
    ['of empty files', () => many(101, (i) => entry('0', `f${i}`)), 'more than 100 files'],
    // Without the defence an error of the file system ends the download half-way.
    ['with a long PAX path', () => [pax({ path: 'a/'.repeat(20_000) }), entry('0', 'x')], 'is too long'],
    ['with a long GNU path', () => [entry('L', 'x', 'b'.repeat(5_000)), entry('0', 'x')], 'is too long'],
    ['with a long name', () => [pax({ path: 'c'.repeat(300) }), entry('0', 'x')], 'is too long'],
    ['with too many levels', () => [pax({ path: 'd/'.repeat(80) }), entry('0', 'x')], 'more than 64 levels'],
    // Without the defence a small file takes any amount of disk, or is silently missing.
    ['with a GNU sparse file', () => [entry('S', 'sparse', 'x')], 'sparse is a SparseFile'],
    [
      'with a PAX sparse file',
      () => [pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9999999999' }), entry('0', 'x')],
      'it contains a sparse file',
    ],
    ['with a part of another archive', () => [entry('M', 'part', 'x')], 'part is a ContinuationFile'],
    ['with a file of an unknown kind', () => [entry('Z', 'odd', 'x')], 'only files, folders and links'],
    ['with a device', () => [entry('4', 'disk', '', { device: [8, 0] })], 'disk is a BlockDevice'],
    // Without the defence a file of the machine is read or overwritten.
    [
      'with a hard link to a link',
      () => [link('2', 'l', 'plugin.sh'), link('1', 'h', 'l')],
      'not a file of the archive',
    ],
    ['with a hard link to itself', () => [link('1', 'h', 'h')], 'not a file of the archive'],
    ['with a hard link to a folder', () => [entry('5', 'd/'), link('1', 'h', 'd')], 'not a file of the archive'],
    ['with a hard link by other case', () => [link('1', 'h', 'PLUGIN.SH')], 'not a file of the archive'],
    ['with a PAX path upwards', () => [pax({ path: '../evil' }), entry('0', 'x')], 'escapes the folder'],
    ['with an absolute PAX path', () => [pax({ path: '/tmp/evil' }), entry('0', 'x')], 'is not relative'],
    ['with a PAX target upwards', () => [pax({ linkpath: '../../x' }), link('2', 'l', 'x')], 'the link l escapes'],
    ['with a PAX type', () => [pax({ type: 'SymbolicLink', linkpath: '/etc' }), entry('0', 'x')], 'invalid archive'],
    // Without the defence the sum of sizes has no meaning, and no limit applies.
    ['with an enormous PAX size', () => [pax({ size: '9'.repeat(30) }), entry('0', 'x')], 'is invalid'],
    ['with a large PAX size', () => [pax({ size: '99999999999' }), entry('0', 'x')], 'it contains more than 1 MiB'],
    // Without the defence the content depends on the file system, and a checked file is replaced by another one.
    ['with names that differ in case', () => [entry('0', 'A'), entry('0', 'a')], 'are the same file on systems'],
    ['with folders that differ in case', () => [entry('0', 'D/x'), entry('0', 'd/y')], 'are the same file on'],
    ['with names that differ in form', () => [entry('0', 'e\u0301'), entry('0', '\u00e9')], 'are the same file'],
    ['with a file twice', () => [entry('0', 'f'), entry('0', './f')], 'f occurs twice'],
    ['with a file over a folder', () => [entry('0', 'g/x'), entry('0', 'g')], 'g occurs twice'],
    ['with a folder over a file', () => [entry('0', 'i'), entry('5', 'i/')], 'i occurs twice'],
    ['with a file below a file', () => [entry('0', 'j'), entry('0', 'j/x')], 'j/x is below j'],
    ['with a link over a folder', () => [entry('0', 'k/x'), link('2', 'k', '.')], 'k occurs twice'],
    // Without the defence an archive claims to be another release, which then counts as installed.
    ['with a file of the controller', () => [entry('0', '.kplug-origin.json', '{}')], 'is reserved'],
    ['with a link as such a file', () => [link('2', '.KPLUG-origin.json', 'plugin.sh')], 'is reserved'],
  ])('%s is refused whole', async (_, parts, message) => {
    const archive = gzipSync(Buffer.concat([valid, ...parts().map((part) => Buffer.from(part)), end]));
    const failure = fetchArchive(archive);
    await expect(failure).rejects.toMatchObject({ code: 'DownloadFailed', message: expect.stringContaining(message) });
  });

  it('that is compressed twice is refused', async () => {
    // Without the defence each layer multiplies the size, and none is limited.
    const archive = gzipSync(gzipSync(Buffer.concat([valid, end, Buffer.alloc(16 * MiB)])));
    await expect(fetchArchive(archive)).rejects.toThrow('it is compressed more than once');
  });

  it('with control characters in a name writes none into messages', async () => {
    // Without the defence an archive moves the cursor in the terminal of the administrator.
    const name = '\u001b[2J\u202e\u200f/etc';
    const failure = fetchArchive(gzipSync(Buffer.concat([pax({ path: `../${name}` }), entry('0', 'x'), end])));
    await expect(failure).rejects.toThrow('the path ../?[2J??/etc escapes the folder');
  });

  it('with special permissions is unpacked without them', async () => {
    // Without the defence other users of the machine may replace the plugin, or run it with the rights of the operator.
    const entries = [
      entry('5', 'd/', '', { mode: 0o7777 }),
      entry('0', 'd/x', 'x', { mode: 0o6777 }),
      entry('0', 'e/y', 'y', { mode: 0o000 }),
    ];
    const { path } = await fetchArchive(gzipSync(Buffer.concat([valid, ...entries, end])));
    const modes = ['d', 'd/x', 'e', 'e/y', 'plugin.sh', '.', '..'].map((name) => statSync(join(path, name)).mode);
    expect(modes.map((mode) => mode & 0o7022)).toEqual(modes.map(() => 0));
    expect(await readFile(join(path, 'e/y'), 'utf8')).toBe('y');
  });
});

describe('the process that unpacks', () => {
  /** Starts to unpack an archive that never ends. */
  async function startEndless(maxTime = 60_000, signal?: AbortSignal) {
    const folder = await makeFolder();
    const archive = join(folder, 'archive');
    execFileSync('mkfifo', [archive]);
    const content = join(folder, 'content');
    await mkdir(content);
    const unpacking = unpack(archive, content, { ...limits, maxTime }, signal);
    unpacking.catch(() => undefined);
    return { archive, unpacking, pid: () => vi.waitFor(() => processOf(archive), waitOptions) };
  }

  it('is killed when it takes too long', async () => {
    // Without the defence an archive that takes for ever occupies a download and a core for ever.
    const { archive, unpacking } = await startEndless(300);
    await expect(unpacking).rejects.toThrow('unpacking it takes more than 300 ms');
    expect(() => processOf(archive)).toThrow();
  });

  it('is killed when the operator stops', async () => {
    // Without the defence an archive delays the stop, and writes files afterwards.
    const stopping = new AbortController();
    const { unpacking, pid } = await startEndless(60_000, stopping.signal);
    const started = await pid();
    stopping.abort(new Error('stopping'));
    await expect(unpacking).rejects.toThrow('stopping');
    expect(isRunning(started)).toBe(false);
  });

  it('is reported when something else kills it', async () => {
    // Without the defence a release that is half unpacked is installed.
    const { unpacking, pid } = await startEndless();
    process.kill(await pid(), 'SIGKILL');
    await expect(unpacking).rejects.toThrow('unpacking it failed with SIGKILL');
  });

  it('ends with the operator, even when that is killed', async () => {
    // Without the defence processes pile up behind an operator that crashes again and again.
    const { archive } = await startEndless();
    const parent = `import { spawn } from 'node:child_process';
      const task = JSON.stringify({ archive: process.argv[1], folder: '/nowhere', limits: {}, maxStreamBytes: 1 });
      spawn(process.execPath, [${JSON.stringify(unpackProgram)}, task], { stdio: ['pipe', 'ignore', 'ignore'] });
      setInterval(() => {}, 1_000);`;
    const second = `${archive}-2`;
    execFileSync('mkfifo', [second]);
    const operator = spawn(process.execPath, ['--input-type=module', '-e', parent, second], { stdio: 'ignore' });
    const pid = await vi.waitFor(() => processOf(second), waitOptions);
    operator.kill('SIGKILL');
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), waitOptions);
  });

  it('has neither the environment nor the descriptors of the operator', async () => {
    // Without the defence an archive that exploits a fault of the unpacker has the credentials of the operator.
    vi.stubEnv('KPLUG_SECRET', 'secret');
    vi.stubEnv('NODE_OPTIONS', '--title=secret');
    const { pid } = await startEndless();
    const started = await pid();
    vi.unstubAllEnvs();
    expect(readFileSync(`/proc/${started}/environ`, 'utf8')).toBe('');
    const inherited = readdirSync(`/proc/${started}/fd`).filter((descriptor) => Number(descriptor) > 2);
    const files = inherited.map((descriptor) => readlinkOf(`/proc/${started}/fd/${descriptor}`));
    // A library is open for a moment while it is loaded.
    expect(files.filter((file) => !/^anon_inode:|^pipe:|^\/dev\/null|archive$|\.so(\.\d+)*$/.test(file))).toEqual([]);
  });
});

describe('malicious archives in the list of an operator', { timeout: 60_000 }, () => {
  it('block neither its event loop nor its honest plugins, and leave nothing', async () => {
    // Without the defence heartbeats wait for the unpacking, leases end, and resources lose their plugins.
    const server = await ReleaseServer.start();
    server.serve('evil/bomb@v1', gzipSync(Buffer.concat([valid, entry('0', 'big', Buffer.alloc(100 * MiB))])));
    const files = Array.from({ length: 20_001 }, (_, index) => entry('0', `d${index % 100}/f${index}`));
    server.serve('evil/many@v1', gzipSync(Buffer.concat([valid, ...files, end])));
    server.serve('evil/zeros@v1', gzipSync(Buffer.concat([valid, end, Buffer.alloc(90 * MiB)])));
    const items = ['evil/bomb@v1', 'evil/many@v1', 'evil/zeros@v1'];
    const before = process.memoryUsage().rss;
    const list = { items, baseUrl: server.url, limits: { maxBytes: 64 * MiB }, backOff: { initial: 60_000 } };
    const trial = await HostingTrial.start({ list });
    await trial.put('honest.js', moduleOf());
    const { pid } = await trial.expectState('honest.js', 'live');
    const unit = unitOfWork();
    const block = await longestBlock(async () => {
      await trial.expectState('evil.bomb', 'failing');
      await trial.expectState('evil.many', 'failing');
      await vi.waitFor(() => expect(trial.folder.downloads()[2]?.state).toBe('ready'), waitOptions);
      trial.operator.table('users');
      await trial.operator.expectReady('users', 'Folder');
    });
    expect(block / unit).toBeLessThan(maxBlock);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MiB);
    expect(trial.status('evil.bomb')?.message).toContain('it contains more than 64 MiB');
    expect(trial.status('evil.many')?.message).toContain('it contains more than 20000 files');
    expect(trial.status('honest.js')).toMatchObject({ pid, state: 'live', restarts: 0 });
    expect(readdirSync(trial.path('.downloads'))).toEqual([expect.stringMatching(/^evil\.zeros@v1-/)]);
  });
});

/** Returns the process that unpacks an archive. Throws when there is none. */
function processOf(archive: string): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = processes.filter((pid) => {
    const words = textOf(`/proc/${pid}/cmdline`).split('\0');
    return words.includes(unpackProgram) && words.some((word) => word.includes(`"archive":"${archive}"`));
  });
  return found.length > 0 ? Number(found[0]) : expect.fail('no such process');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readlinkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '/dev/null';
  }
}
