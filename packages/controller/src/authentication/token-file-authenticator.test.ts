import { appendFile, chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusalReason } from '@kplug/protocol';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TokenFileAuthenticator } from './token-file-authenticator.ts';
import { createToken, listTokens, revokeToken } from './token-file-editor.ts';

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
