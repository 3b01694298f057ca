import { appendFile, chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusalReason } from '@kplug/protocol';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TokenFileAuthenticator } from './token-file-authenticator.ts';
import { createToken, listTokens, revokeToken, rotateToken } from './token-file-editor.ts';

const soon = { timeout: 20_000, interval: 10 };
const plugins = ['PostgreSQL'];

let file: string;
let log: string[];

beforeEach(async () => {
  log = [];
  const folder = await mkdtemp(join(tmpdir(), 'kplug-tokens-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, 'tokens.yaml');
});

const hash = (letter: string) => `sha256:${letter.repeat(43)}`;

const tokenFile = (previous: string) =>
  `tokens:\n  - { name: ci, hash: ${hash('a')}, plugins: [PostgreSQL], previous: ${previous} }\n`;

async function open(): Promise<TokenFileAuthenticator> {
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const authenticator = await TokenFileAuthenticator.open({ file, logger });
  onTestFinished(() => authenticator.close());
  return authenticator;
}

describe('the token file', () => {
  it('identifies the holder of a token, without the token in the file', async () => {
    const token = await createToken(file, { name: 'ci', plugins });
    expect(token).toMatch(/^kplug_[\w-]{43}$/);
    expect(await readFile(file, 'utf8')).not.toContain(token.slice(6));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const authenticator = await open();
    expect(authenticator.recall({ token })?.identity).toEqual({ kind: 'token', name: 'ci', plugins });
    expect((await authenticator.authenticate({ token })).identity).toMatchObject({ name: 'ci' });
  });

  it('refuses unknown, expired and huge tokens', async () => {
    const expires = new Date(Date.now() + 500);
    const token = await createToken(file, { name: 'ci', plugins, expires });
    const authenticator = await open();
    expect((await authenticator.authenticate({ token })).validUntil).toBe(expires.getTime());
    await vi.waitFor(() => expect(() => authenticator.recall({ token })).toThrow('the token ci expired at 2'), soon);
    for (const sent of [`kplug_${'a'.repeat(43)}`, `${token}a`, token.slice(0, -1), 'a'.repeat(20_000), '']) {
      await expect(authenticator.authenticate({ token: sent })).rejects.toMatchObject({
        reason: RefusalReason.UNAUTHENTICATED,
      });
    }
  });

  it('is read again when it changes: a new token is accepted, a revoked one is not', async () => {
    const first = await createToken(file, { name: 'first', plugins });
    const authenticator = await open();
    const second = await createToken(file, { name: 'second', plugins });
    await vi.waitFor(() => expect(authenticator.recall({ token: second })).toBeDefined(), soon);
    await revokeToken(file, 'FIRST');
    await vi.waitFor(() => expect(() => authenticator.recall({ token: first })).toThrow('or it was revoked'), soon);
    expect(authenticator.recall({ token: second })).toBeDefined();
  });

  it.each([
    [
      'is broken',
      'tokens:\n  - name: a b\n    hash: x\n    plugins: []\n',
      ':2:5: tokens[0].name must be 1 to 63 letters',
    ],
    ['is no YAML', 'tokens: [', ': invalid YAML'],
    ['is empty', '', 'must be a mapping with the field tokens'],
    ['has an unknown field', 'tokens: []\nmore: 1\n', ':2:1: more is not a field of a token file'],
    ['has a former token without expiry', tokenFile(`{ hash: ${hash('b')} }`), 'previous.expires must be a time'],
    ['has a former token that is no mapping', tokenFile('[]'), 'previous must be a mapping'],
    [
      'has a hash twice',
      tokenFile(`{ hash: ${hash('a')}, expires: "2026-05-04T12:00:00Z" }`),
      'a hash of an earlier token',
    ],
    ['is huge', `# ${'a'.repeat(600_000)}\n`, 'at most 524288 are accepted'],
  ])('that %s keeps its former content, and the log says why', async (_, content, message) => {
    const token = await createToken(file, { name: 'ci', plugins });
    const authenticator = await open();
    const good = await readFile(file, 'utf8');
    await writeFile(file, content);
    await vi.waitFor(() => expect(log.join()).toContain(message), soon);
    expect(authenticator.recall({ token })).toBeDefined();
    await expect(createToken(file, { name: 'other', plugins })).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    expect(await readFile(file, 'utf8')).toBe(content);
    await writeFile(file, good);
    await vi.waitFor(() => expect(log.join()).toContain('again'), soon);
  });

  it('that disappears keeps its former content', async () => {
    const token = await createToken(file, { name: 'ci', plugins });
    const authenticator = await open();
    await rename(file, `${file}.away`);
    await vi.waitFor(() => expect(log.join()).toContain('ENOENT'), soon);
    expect(authenticator.recall({ token })).toBeDefined();
  });

  it.each([0o644, 0o602, 0o660, 0o666])('that other users may read or write is refused: mode %o', async (mode) => {
    const token = await createToken(file, { name: 'ci', plugins });
    const authenticator = await open();
    await chmod(file, mode);
    await expect(open()).rejects.toThrow('other users may read or write it');
    await expect(listTokens(file)).rejects.toThrow('run: chmod 600');
    await appendFile(file, '# changed\n');
    await vi.waitFor(() => expect(log.join()).toContain('other users may read or write it'), soon);
    expect(authenticator.recall({ token })).toBeDefined();
  });

  it('may be read by its group, as in a volume of Kubernetes', async () => {
    const token = await createToken(file, { name: 'ci', plugins });
    await chmod(file, 0o440);
    expect((await open()).recall({ token })).toBeDefined();
  });
});

describe('changes of the token file', () => {
  it('keep comments, and the mode', async () => {
    await writeFile(file, '# ours\ntokens: []\n', { mode: 0o600 });
    await chmod(file, 0o640);
    await createToken(file, { name: 'ci', plugins: ['My*'] });
    expect(await readFile(file, 'utf8')).toMatch(/^# ours\ntokens:\n {2}- name: ci\n/);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
  });

  it('that are concurrent are all made', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `token-${index}`);
    const tokens = await Promise.all(names.map((name) => createToken(file, { name, plugins })));
    expect((await listTokens(file)).map(({ name }) => name).sort()).toEqual(names.sort());
    const authenticator = await open();
    for (const token of tokens) expect(authenticator.recall({ token })).toBeDefined();
  });

  it.each([
    [{ name: 'a b', plugins }, 'its name must be 1 to 63 letters'],
    [{ name: 'a', plugins: ['b/c'] }, 'its plugins.0 must be a plugin name'],
    [{ name: 'a', plugins: [] }, 'its plugins must name a plugin'],
  ])('that are invalid are refused: %#', async (token, message) => {
    await expect(createToken(file, token)).rejects.toThrow(message);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  it('of a name that exists, or does not, are refused', async () => {
    await expect(revokeToken(file, 'ci')).rejects.toMatchObject({ code: 'NotFound' });
    await createToken(file, { name: 'ci', plugins });
    await expect(createToken(file, { name: 'CI', plugins })).rejects.toMatchObject({ code: 'Conflict' });
    await expect(revokeToken(file, 'other')).rejects.toMatchObject({ code: 'NotFound' });
  });
});

describe('the rotation of a token', () => {
  it('keeps name, plugins, lifetime, comments and other fields, and the former token for the overlap', async () => {
    const lifetime = 90 * 86_400_000;
    const former = await createToken(file, { name: 'ci', plugins: ['My*'], expires: new Date(Date.now() + lifetime) });
    await appendFile(file, '# ours\n');
    const authenticator = await open();
    const { token, entry } = await rotateToken(file, 'CI', { overlap: 1_000 });
    expect(entry).toMatchObject({ name: 'ci', plugins: ['My*'] });
    expect(Math.round(Date.parse(entry.expires ?? '') - Date.parse(entry.created ?? '')) / 1_000).toBeCloseTo(
      lifetime / 1_000,
      0,
    );
    expect(await readFile(file, 'utf8')).toContain('# ours');

    await vi.waitFor(() => expect(authenticator.recall({ token })).toBeDefined(), soon);
    const identity = { kind: 'token', name: 'ci', plugins: ['My*'] };
    expect(authenticator.recall({ token })?.identity).toEqual(identity);
    await vi.waitFor(() => expect(() => authenticator.recall({ token: former })).toThrow('by a newer token ci'), soon);
    expect(authenticator.recall({ token })?.identity).toEqual(identity);
  });

  it('accepts the former token during the overlap, with the same identity', async () => {
    const former = await createToken(file, { name: 'ci', plugins });
    const { entry } = await rotateToken(file, 'ci');
    expect(entry).not.toHaveProperty('expires');
    const authenticator = await open();
    const proof = authenticator.recall({ token: former });
    expect(proof?.identity).toEqual({ kind: 'token', name: 'ci', plugins });
    const end = Date.parse(entry.previous?.expires ?? '');
    expect(end - Date.parse(entry.created ?? '')).toBe(3_600_000);
  });

  it('never extends the life of the former token', async () => {
    const expires = new Date(Date.now() + 60_000);
    await createToken(file, { name: 'ci', plugins, expires });
    const { entry } = await rotateToken(file, 'ci');
    expect(entry.previous?.expires).toBe(expires.toISOString());
  });

  it('ends the former ones immediately without an overlap', async () => {
    const first = await createToken(file, { name: 'ci', plugins });
    const second = await rotateToken(file, 'ci');
    const third = await rotateToken(file, 'ci', { overlap: 0 });
    expect(third.entry).not.toHaveProperty('previous');
    const authenticator = await open();
    for (const token of [first, second.token]) expect(() => authenticator.recall({ token })).toThrow("doesn't know");
    expect(authenticator.recall({ token: third.token })).toBeDefined();
  });

  it('is refused while the token before the former one is valid', async () => {
    await createToken(file, { name: 'ci', plugins });
    const before = await rotateToken(file, 'ci');
    await expect(rotateToken(file, 'ci')).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining(`valid until ${before.entry.previous?.expires}`),
    });
    expect((await open()).recall({ token: before.token })).toBeDefined();
  });

  it.each([-1, 30 * 86_400_000 + 1, Number.NaN])('is refused with the overlap %d', async (overlap) => {
    const token = await createToken(file, { name: 'ci', plugins });
    await expect(rotateToken(file, 'ci', { overlap })).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    expect((await open()).recall({ token })).toBeDefined();
  });

  it('is refused for an unknown token, and for one whose lifetime is unknown', async () => {
    await expect(rotateToken(file, 'ci')).rejects.toMatchObject({ code: 'NotFound' });
    await createToken(file, { name: 'other', plugins });
    await expect(rotateToken(file, 'ci')).rejects.toMatchObject({ code: 'NotFound' });
    await writeFile(
      file,
      `tokens:\n  - { name: ci, hash: ${hash('a')}, plugins: [A], expires: "2030-01-01T00:00:00Z" }\n`,
    );
    await expect(rotateToken(file, 'ci')).rejects.toThrow('give one with --expires');
    const { entry } = await rotateToken(file, 'ci', { expires: new Date('2031-01-01') });
    expect(entry.expires).toBe('2031-01-01T00:00:00.000Z');
  });
});
