import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { days, minutes } from '../limits/limit.ts';
import type { CertificateData } from '../resources/services/certificate-store.ts';
import { CertificateFolder } from './certificate-folder.ts';
import { GivenCertificates } from './given-certificates.ts';
import { type Issuer, issueAuthority, issueLeaf } from './issue-certificate.ts';
import { readCertificates } from './read-certificate.ts';
import { issueBoth } from './testing.ts';

const names = { dns: ['kplug.kplug-system.svc'], ips: [] };
const now = Date.now();

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-given-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function makeIssuer(): Promise<Issuer> {
  return { ...(await issueAuthority(now)), notAfter: now + 300 * days };
}

async function write(data: CertificateData, into = folder): Promise<void> {
  for (const [name, text] of Object.entries(data)) await writeFile(join(into, name), text, { mode: 0o600 });
}

/** Files of a certificate that a CA issued. */
async function filesOf(issuer: Issuer, change: Parameters<typeof issueBoth>[1] = {}): Promise<CertificateData> {
  const { key, cert } = await issueBoth(issuer, { names, ...change });
  return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': issuer.cert };
}

function source(interval = 1e9) {
  const log: { level: number; msg: string }[] = [];
  const published: string[] = [];
  const clock = { ahead: 0 };
  const certificates = new GivenCertificates({
    reader: new CertificateFolder(folder),
    publisher: {
      publish: async (bundle) => {
        const text = await bundle();
        if (published.at(-1) === text) return 'unchanged';
        published.push(text);
        return 'published';
      },
    },
    names,
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    now: () => Date.now() + clock.ahead,
    interval,
  });
  onTestFinished(() => certificates.stop());
  return { certificates, log, published, clock };
}

describe('a certificate that another program renews', () => {
  it('is used for both directions, and loaded again when it changes', async () => {
    const issuer = await makeIssuer();
    await write(await filesOf(issuer));
    const { certificates, published } = source(20);
    await certificates.start();
    expect(certificates.current()).toEqual(certificates.caller());
    expect(published).toEqual([certificates.caBundle()]);
    expect(certificates.expiries().map(({ certificate }) => certificate)).toEqual(['ca', 'server', 'caller']);
    const changed = vi.fn();
    certificates.subscribe(changed);
    const renewed = await filesOf(issuer);
    await write(renewed);
    await vi.waitFor(() => expect(certificates.current().key).toBe(renewed['tls.key']), { timeout: 20_000 });
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('of another CA is used when its bundle has been published for ten minutes', async () => {
    await write(await filesOf(await makeIssuer()));
    const { certificates, published, clock } = source();
    await certificates.start();
    const former = certificates.current();
    const renewed = await filesOf(await makeIssuer());
    await write(renewed);
    await certificates.check();
    expect(certificates.current()).toEqual(former);
    expect(readCertificates(published.at(-1) ?? '')).toHaveLength(2);
    clock.ahead = 10 * minutes - 5_000;
    await certificates.check();
    expect(certificates.current()).toEqual(former);
    clock.ahead = 10 * minutes;
    await certificates.check();
    expect(certificates.current().key).toBe(renewed['tls.key']);
    expect(certificates.caBundle()).toBe(published.at(-1));
  });

  it('of another CA is used immediately when the one in use has expired', async () => {
    await write(await filesOf(await makeIssuer()));
    const { certificates, clock } = source();
    await certificates.start();
    clock.ahead = 31 * days;
    const renewed = await filesOf(await makeIssuer(), { now: now + clock.ahead });
    await write(renewed);
    await certificates.check();
    expect(certificates.current().key).toBe(renewed['tls.key']);
  });

  it.each<[string, (issuer: Issuer) => Promise<CertificateData>, RegExp]>([
    ['without a file', async () => ({ 'tls.crt': '', 'ca.crt': 'x' }), /tls.crt is missing; tls.key is missing/],
    [
      'that is malformed',
      async (issuer) => ({ ...(await filesOf(issuer)), 'ca.crt': 'none' }),
      /not issued by a CA in ca.crt/,
    ],
    [
      'with the key of another one',
      async (issuer) => ({ ...(await filesOf(issuer)), 'tls.key': issuer.key }),
      /tls.key is not the key of the first certificate in tls.crt/,
    ],
    [
      'without the name of the Service',
      (issuer) => filesOf(issuer, { names: { dns: ['other'], ips: [] } }),
      /its alternative names lack kplug.kplug-system.svc, by which plugins connect/,
    ],
    [
      'without the URI of the caller',
      (issuer) => filesOf(issuer, { uri: 'spiffe://a/b' }),
      /lack the URI kplug:\/\/caller, .* set "uris: \[kplug:\/\/caller\]"/,
    ],
    [
      'for servers only',
      async (issuer) => {
        const { key, cert } = await issueLeaf('server', issuer, names, now);
        return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': issuer.cert };
      },
      /its extended key usages lack clientAuth; .* set "usages: \[server auth, client auth\]"/,
    ],
    ['that has expired', (issuer) => filesOf(issuer, { now: now - 31 * days }), /it expired at \d{4}-/],
    ['that is not valid yet', (issuer) => filesOf(issuer, { now: now + 2 * days }), /it is not valid before \d{4}-/],
    [
      'of another CA than the bundle',
      async (issuer) => ({ ...(await filesOf(issuer)), 'ca.crt': (await makeIssuer()).cert }),
      /tls.crt was not issued by a CA in ca.crt/,
    ],
  ])('is refused %s, and the one in use stays', async (_, make, problem) => {
    const issuer = await makeIssuer();
    const bad = await make(issuer);
    await write(bad);
    const message = expect.stringMatching(problem) as string;
    await expect(source().certificates.start()).rejects.toMatchObject({ code: 'InvalidConfiguration', message });
    await write(await filesOf(issuer));
    const { certificates, log } = source(20);
    await certificates.start();
    const former = certificates.current();
    // In an order in which no state in between is valid.
    await write({ 'tls.key': '', 'ca.crt': '', ...bad });
    await vi.waitFor(() => expect(log.at(-1)?.msg).toMatch(problem), { timeout: 20_000 });
    expect(certificates.current()).toEqual(former);
  });

  it('is refused when others may read its key, unless a kubelet mounted it', async () => {
    const issuer = await makeIssuer();
    await write(await filesOf(issuer));
    await chmod(join(folder, 'tls.key'), 0o644);
    await expect(source().certificates.start()).rejects.toThrow(/chmod 600 .*tls.key/);
    const version = join(folder, '..2027');
    await mkdir(version);
    await write(await filesOf(issuer), version);
    await chmod(join(version, 'tls.key'), 0o644);
    await symlink('..2027', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await source().certificates.start();
  });
});
