import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CertificateFiles } from './certificate-files.ts';
import { openDirectory } from './open-directory.ts';

const data = { 'ca.crt': 'bundle', 'ca.key': 'secret' };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kplug-certificate-files-'));
  onTestFinished(() => rm(directory, { recursive: true }));
});

const modeOf = async (...path: string[]) => ((await stat(join(directory, ...path))).mode & 0o777).toString(8);

describe('certificates in files', () => {
  it('are private, and the bundle is public', async () => {
    const store = new CertificateFiles(join(directory, 'tls'));
    expect(await store.read()).toBeUndefined();
    expect(await store.write(data, undefined)).toBe('written');
    expect(await store.publish(async () => 'bundle')).toBe('published');
    expect(await store.publish(async () => 'bundle')).toBe('unchanged');
    expect(await modeOf('tls')).toBe('700');
    expect(await modeOf('tls', 'certificates.json')).toBe('600');
    expect(await modeOf('tls', 'ca.crt')).toBe('644');
    expect(await readFile(store.bundleFile, 'utf8')).toBe('bundle');
    expect((await store.read())?.data).toEqual(data);
    expect(await readdir(join(directory, 'tls'))).toEqual(['ca.crt', 'certificates.json']);
  });

  it('replace only the version that was read', async () => {
    const store = new CertificateFiles(join(directory, 'tls'));
    await store.write(data, undefined);
    expect(await store.write({ ...data, 'ca.crt': 'other' }, undefined)).toBe('conflict');
    const read = await store.read();
    expect(await store.write({ ...data, 'ca.crt': 'next' }, read?.version)).toBe('written');
    expect(await store.write({ ...data, 'ca.crt': 'other' }, read?.version)).toBe('conflict');
    expect((await store.read())?.data['ca.crt']).toBe('next');
  });

  it('keep no permissions of a leftover', async () => {
    await mkdir(join(directory, 'tls'), { mode: 0o700 });
    const leftover = join(directory, 'tls', 'certificates.json.tmp');
    await writeFile(leftover, '');
    await chmod(leftover, 0o666);
    await new CertificateFiles(join(directory, 'tls')).write(data, undefined);
    expect(await modeOf('tls', 'certificates.json')).toBe('600');
  });

  it.each([
    ['the file', 'tls/certificates.json', 0o640, '0640', '600'],
    ['the folder', 'tls', 0o755, '0755', '700'],
  ])('are refused when others may read %s', async (_, path, mode, found, remedy) => {
    const store = new CertificateFiles(join(directory, 'tls'));
    await store.write(data, undefined);
    await chmod(join(directory, path), mode);
    await expect(store.read()).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(
        new RegExp(`permissions ${found}, .* run "chmod ${remedy} ${directory}/${path}"`),
      ) as string,
    });
  });

  it.each(['', '{"ca.crt"', '[]', '{"ca.crt":1}'])('are refused when they are %j, with the remedy', async (text) => {
    const store = new CertificateFiles(join(directory, 'tls'));
    await store.write(data, undefined);
    await writeFile(store.place, text);
    await expect(store.read()).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('Restore it from a backup') as string,
    });
  });

  it('belong to a directory of manifests', async () => {
    const resources = await openDirectory({ directory, logger: pino({ level: 'silent' }) });
    onTestFinished(() => resources.close());
    await resources.services?.certificates?.write(data, undefined);
    expect(await modeOf('.kplug', 'tls', 'certificates.json')).toBe('600');
  });
});
