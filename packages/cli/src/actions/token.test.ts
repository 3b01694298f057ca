import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

let file: string;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-token-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, 'tokens.yaml');
});

const token = (...args: string[]) => kplug(['token', ...args, '--file', file]);

describe('kplug token', () => {
  it('creates a token, which is all of the standard output, lists it, and revokes it', async () => {
    const created = await token('create', 'ci', '--plugin', 'PostgreSQL', '--expires', '90d');
    expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(/^kplug_[\w-]{43}\n$/) });
    expect(created.stderr).toContain(`created the token ci for PostgreSQL in ${file}; it is valid until 2`);
    expect(created.stderr).toContain('--heartbeat-tokens');
    await token('create', 'dev', '--plugin', 'My*', '--plugin', 'SQLite');

    const listed = await token('list');
    expect(listed.stdout).toMatch(
      /^NAME +PLUGINS +AGE +EXPIRES +PREVIOUS EXPIRES\nci +PostgreSQL +\d+s +2\S+Z +none\ndev +My\*,SQLite +\d+s +never +none\n$/,
    );
    const [first] = JSON.parse((await token('list', '-o', 'json')).stdout).tokens;
    expect(first).toMatchObject({ name: 'ci', plugins: ['PostgreSQL'], expired: false });
    expect(listed.stdout + JSON.stringify(first)).not.toContain('sha256:');

    expect(await token('revoke', 'ci')).toMatchObject({ code: 0, stdout: '' });
    expect((await token('list')).stdout).not.toContain('ci ');
    expect(await readFile(file, 'utf8')).toContain('name: dev');
  });

  it('rotates a token: prints the new one, and shows until when the former one is valid', async () => {
    const { stdout: former } = await token('create', 'ci', '--plugin', 'PostgreSQL');
    const rotated = await token('rotate', 'ci', '--overlap', '7d');
    expect(rotated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^kplug_[\w-]{43}\n$/) });
    expect(rotated.stdout).not.toBe(former);
    expect(rotated.stderr).toMatch(
      /rotated the token ci in .* until it is revoked.*\n.*former token is valid until 2\S+Z;/,
    );
    expect((await token('list')).stdout).toMatch(/\nci +PostgreSQL +\d+s +never +2\S+Z\n$/);
    const listed = await token('list', '-o', 'json');
    const [{ created, previous }] = JSON.parse(listed.stdout).tokens;
    expect(previous).toEqual({ expires: expect.any(String), expired: false });
    expect(Date.parse(previous.expires) - Date.parse(created)).toBe(7 * 86_400_000);
    expect(listed.stdout).not.toContain('sha256:');

    expect(await token('rotate', 'ci')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('--overlap 0'),
    });
    expect(await token('rotate', 'ci', '--overlap', '0', '--expires', '90d')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('the former token is no longer valid'),
    });
    expect((await token('list')).stdout).toMatch(/\nci +PostgreSQL +\d+s +2\S+Z +none\n$/);
    expect(await token('rotate', 'ci', '--overlap', '31d')).toMatchObject({ code: 2, stdout: '' });
    expect(await token('rotate', 'other')).toMatchObject({ code: 3, stdout: '' });
  });

  it('says what is wrong, with an exit code', async () => {
    expect(await token('list')).toMatchObject({ code: 3, stderr: expect.stringContaining('does not exist') });
    expect(await token('create', 'ci')).toMatchObject({ code: 2, stderr: expect.stringContaining('--plugin') });
    expect(await token('create', 'ci', '--plugin', 'a/b')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("the token can't be created: its plugins.0 must be a plugin name"),
    });
    expect(await token('create', 'ci', '--plugin', 'A', '--expires', 'soon')).toMatchObject({ code: 2, stdout: '' });
    await token('create', 'ci', '--plugin', 'A');
    expect(await token('create', 'ci', '--plugin', 'A')).toMatchObject({ code: 1, stdout: '' });
    expect(await token('revoke', 'other')).toMatchObject({ code: 3 });
    await chmod(file, 0o644);
    expect(await token('create', 'b', '--plugin', 'A')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(`run: chmod 600 ${file}`),
    });
  });

  it('completes the names of tokens', async () => {
    await token('create', 'build-server', '--plugin', 'A');
    const { stdout } = await kplug(['complete', '--', 'token', 'revoke', '--file', file, 'b']);
    expect(stdout).toContain('build-server');
  });
});
