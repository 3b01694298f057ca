import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusalReason } from '@kplug/protocol';
import { pino } from 'pino';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CertificateAuthenticator } from './certificate-authenticator.ts';
import { type CertificateChoice, type KeyedCertificate, makeCertificate } from './testing.ts';
import { Extension } from './x509.ts';

const day = 86_400_000;
const uris = ['spiffe://example.org/databases/postgresql'];

let authority: KeyedCertificate;
let other: KeyedCertificate;
let log: string[];

beforeAll(async () => {
  [authority, other] = await Promise.all([
    makeCertificate('authority', { isCa: true }),
    makeCertificate('other', { isCa: true }),
  ]);
});

beforeEach(() => {
  log = [];
});

async function open(content = authority.pem) {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-bundle-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ca.crt');
  await writeFile(file, content);
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const authenticator = await CertificateAuthenticator.open({ file, logger });
  onTestFinished(() => authenticator.close());
  return { authenticator, file };
}

const client = (choice: CertificateChoice = {}) => makeCertificate('client', { issuer: authority, uris, ...choice });

async function authenticate(certificate: KeyedCertificate, intermediates: KeyedCertificate[] = [], content?: string) {
  const { authenticator } = await open(content);
  return authenticator.authenticate({
    certificate: certificate.der,
    intermediates: intermediates.map(({ der }) => der),
  });
}

describe('accepts a certificate', () => {
  it('with a SPIFFE id, and recalls it', async () => {
    const { authenticator } = await open();
    const { der } = await client();
    const { identity } = await authenticator.authenticate({ certificate: der });
    expect(identity).toEqual({ kind: 'certificate', name: 'spiffe://example.org/databases/postgresql' });
    expect(authenticator.recall({ certificate: der })?.identity).toEqual(identity);
  });

  it('with a DNS name', async () => {
    const { identity } = await authenticate(
      await client({ uris: [], dns: ['Postgresql.example.org', 'b.example.org'] }),
    );
    expect(identity).toMatchObject({ name: 'postgresql.example.org' });
  });

  it('that an intermediate CA issued, which was sent too', async () => {
    const first = await makeCertificate('first', { isCa: true, issuer: authority, pathLength: 1 });
    const second = await makeCertificate('second', { isCa: true, issuer: first, pathLength: 0 });
    const leaf = await client({ issuer: second });
    expect((await authenticate(leaf, [second, first])).identity).toMatchObject({ kind: 'certificate' });
    await expect(authenticate(leaf, [second])).rejects.toThrow("doesn't chain to a CA");
  });

  it('of any CA of the bundle', async () => {
    const content = `${authority.pem}\n# comment\n${other.pem}\n`;
    expect((await authenticate(await client({ issuer: other }), [], content)).identity).toMatchObject({
      kind: 'certificate',
    });
  });

  it('until it ends', async () => {
    const notAfter = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 20_000);
    expect((await authenticate(await client({ notAfter }))).validUntil).toBe(notAfter.getTime());
  });
});

describe('refuses a certificate', () => {
  const critical = new Extension('1.2.3.4', true, new Uint8Array([5, 0]));
  const expired = { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - 1_000) };

  it.each<[string, () => Promise<KeyedCertificate>, string]>([
    ['of another CA', () => client({ issuer: other }), "doesn't chain to a CA"],
    [
      'of another CA with the same name',
      async () => client({ issuer: await makeCertificate('authority', { isCa: true }) }),
      "doesn't chain",
    ],
    ['that is self-signed', () => makeCertificate('client', { uris }), "doesn't chain to a CA"],
    ['that has expired', () => client(expired), 'expired at 2'],
    ['that is not valid yet', () => client({ notBefore: new Date(Date.now() + day / 2) }), 'is valid from 2'],
    ['of a server', () => client({ usages: ['1.3.6.1.5.5.7.3.1'] }), 'has no extended key usage clientAuth'],
    ['for any usage', () => client({ usages: ['2.5.29.37.0'] }), 'has no extended key usage clientAuth'],
    ['of a CA', () => makeCertificate('client', { issuer: authority, isCa: true, uris }), 'is that of a CA'],
    [
      'with an unknown critical extension',
      () => client({ extensions: [critical] }),
      'has the critical extension 1.2.3.4',
    ],
    ['without a name', () => client({ uris: [] }), 'has neither a URI nor a DNS name'],
    ['with several URIs', () => client({ uris: [...uris, 'spiffe://example.org/b'] }), 'is one of several URIs'],
    ['of an operator', () => client({ uris: ['kplug://caller'] }), 'is that of an operator'],
    ['with a wildcard', () => client({ uris: [], dns: ['*.example.org'] }), 'has the malformed DNS name'],
    ['with a malformed SPIFFE id', () => client({ uris: ['spiffe://example.org/../a'] }), 'has an invalid path'],
  ])('%s', async (_, make, message) => {
    await expect(authenticate(await make())).rejects.toMatchObject({
      reason: RefusalReason.UNAUTHENTICATED,
      message: expect.stringContaining(message),
    });
  });

  it('that a client certificate issued', async () => {
    const leaf = await client();
    await expect(authenticate(await client({ issuer: leaf }), [leaf])).rejects.toThrow("doesn't chain to a CA");
  });

  it('below a CA that allows no further CA', async () => {
    const first = await makeCertificate('first', { isCa: true, issuer: authority, pathLength: 0 });
    const second = await makeCertificate('second', { isCa: true, issuer: first });
    await expect(authenticate(await client({ issuer: second }), [first, second])).rejects.toThrow(
      'allows at most 0 CAs below it',
    );
  });

  it('below a CA that has expired, or that is for servers', async () => {
    const old = await makeCertificate('old', { isCa: true, issuer: authority, ...expired });
    await expect(authenticate(await client({ issuer: old }), [old])).rejects.toThrow(
      'was issued by a certificate that expired',
    );
    const serving = await makeCertificate('serving', { isCa: true, issuer: authority, usages: ['1.3.6.1.5.5.7.3.1'] });
    await expect(authenticate(await client({ issuer: serving }), [serving])).rejects.toThrow(
      'is not a CA for client authentication',
    );
  });

  it('that is garbage, huge, or sent with too many others', async () => {
    const { authenticator } = await open();
    const { der } = await client();
    for (const certificate of [Buffer.from('garbage'), Buffer.alloc(100_000)]) {
      await expect(authenticator.authenticate({ certificate })).rejects.toThrow("can't be read");
    }
    const intermediates = Array.from({ length: 9 }, () => der);
    await expect(authenticator.authenticate({ certificate: der, intermediates })).rejects.toThrow(
      'at most 8 are accepted',
    );
  });

  it('whose CAs all refer to each other, after a bounded number of signatures', async () => {
    const ring = await Promise.all(Array.from({ length: 4 }, () => makeCertificate('ring', { isCa: true })));
    await expect(authenticate(await client({ issuer: ring[0] as KeyedCertificate }), ring)).rejects.toThrow(
      "doesn't chain",
    );
  });
});

describe('the bundle', () => {
  it('is read again when it changes, and then verifies all certificates again', async () => {
    const { authenticator, file } = await open();
    const certificate = (await client()).der;
    await authenticator.authenticate({ certificate });
    await writeFile(file, other.pem);
    await vi.waitFor(() => expect(authenticator.recall({ certificate })).toBeUndefined(), { timeout: 20_000 });
    await expect(authenticator.authenticate({ certificate })).rejects.toThrow("doesn't chain to a CA");
    expect(log.join()).toContain(`read ${file} again, as it has changed`);
  });

  it('that is broken keeps the former CAs, and the log names the line', async () => {
    const { authenticator, file } = await open();
    await writeFile(file, '# broken\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await vi.waitFor(() => expect(log.join()).toContain(`${file}:2: the certificate can't be read`), {
      timeout: 20_000,
    });
    await expect(authenticator.authenticate({ certificate: (await client()).der })).resolves.toBeDefined();
  });

  it.each([
    ['is empty', '', 'has no certificate in PEM'],
    [
      'has a key',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      ':1: a PRIVATE KEY is not a certificate',
    ],
  ])('may not be used if it %s', async (_, content, message) => {
    await expect(open(content)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(message),
    });
  });

  it('may not have the certificate of a client', async () => {
    await expect(open((await client()).pem)).rejects.toThrow(':1: the certificate is not a CA');
  });
});
