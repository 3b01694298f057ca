import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { testCertificate } from '../../../../test/attacks/test-certificate.fixture.ts';
import { limits } from '../limits/limits.ts';
import type { Connection } from './connection.ts';
import { GuardedListener, type PortMode } from './guarded-listener.ts';
import type { TlsKeyPair, TlsMaterial } from './tls-material.ts';
import type { HttpVersion } from './wrong-protocol.ts';

/** Material that a test replaces. */
class TestMaterial implements TlsMaterial {
  #current: TlsKeyPair = testCertificate;
  readonly #listeners = new Set<() => void>();

  current(): TlsKeyPair {
    return this.#current;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replace(next: TlsKeyPair): void {
    this.#current = next;
    for (const listener of this.#listeners) listener();
  }
}

/** Makes a key and a self-signed certificate. */
function makeCertificate(name: string): TlsKeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'ports-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...request, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return pair;
}

async function listen(mode: PortMode, { host = '127.0.0.1', versions = ['h2'] as readonly HttpVersion[] } = {}) {
  const material = new TestMaterial();
  const accepted: { connection: Connection; version: HttpVersion }[] = [];
  const options = { ...limits.heartbeat, security: { mode, tls: material }, versions, name: 'heartbeat' as const };
  const listener = new GuardedListener(options, (connection, socket, version) => {
    accepted.push({ connection, version });
    socket.write('hello');
  });
  const port = await listener.listen(host, 0);
  onTestFinished(() => listener.close());
  return { listener, port, material, accepted };
}

async function connectTls(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options });
  onTestFinished(() => void socket.destroy());
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  return socket;
}

it('listens on both loopback addresses for localhost', async () => {
  const { port, accepted } = await listen('plain', { host: 'localhost' });
  const hosts = ['127.0.0.1', ...((await hasIPv6()) ? ['::1'] : [])];
  for (const host of hosts) {
    const socket = net.connect(port, host);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
  }
  expect(accepted.map(({ connection }) => connection.isLocal)).toEqual(hosts.map(() => true));
});

it('speaks TLS 1.3 only', async () => {
  const { port, accepted } = await listen('tls');
  const socket = await connectTls(port);
  expect([socket.getProtocol(), socket.alpnProtocol]).toEqual(['TLSv1.3', 'h2']);
  await once(socket, 'data');
  expect(accepted[0]?.connection.encrypted).toBe(true);
  const older = await connectTls(port, { maxVersion: 'TLSv1.2' }).catch((error: Error) => error);
  expect(older).toBeInstanceOf(Error);
  expect(accepted).toHaveLength(1);
});

it('passes on the certificate of a client, whoever signed it', async () => {
  const { port, accepted } = await listen('tls');
  const { key, cert } = makeCertificate('client');
  const socket = await connectTls(port, { key, cert });
  await once(socket, 'data');
  const [first] = accepted;
  expect(first?.connection.certificate?.equals(new (await import('node:crypto')).X509Certificate(cert).raw)).toBe(true);
  const without = await connectTls(port);
  await once(without, 'data');
  expect(accepted[1]?.connection.certificate).toBeUndefined();
});

it('replaces its certificate without dropping connections', async () => {
  const { port, material, listener } = await listen('tls');
  const before = await connectTls(port);
  material.replace(makeCertificate('renewed'));
  const after = await connectTls(port);
  expect([before, after].map((socket) => socket.getPeerCertificate().subject.CN)).toEqual(['localhost', 'renewed']);
  expect([before.closed, listener.size]).toEqual([false, 2]);
  // The renewed certificate keeps the other settings.
  await expect(connectTls(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
});

it('tells TLS and plain text apart in the mode "either"', async () => {
  const { port, accepted } = await listen('either');
  await once(await connectTls(port), 'data');
  const plain = net.connect(port, '127.0.0.1');
  // A preface may come in parts.
  plain.write('P');
  await new Promise((resolve) => setImmediate(resolve));
  plain.write('RI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await once(plain, 'data');
  plain.destroy();
  expect(accepted.map(({ connection, version }) => [connection.encrypted, version])).toEqual([
    [true, 'h2'],
    [false, 'h2'],
  ]);
});

it('closes TLS in the mode "plain", and tells clients of plain text in the mode "tls" that TLS is required', async () => {
  const { port, accepted } = await listen('plain');
  await expect(connectTls(port)).rejects.toThrow();
  const { port: secured } = await listen('tls');
  const session = http2.connect(`http://127.0.0.1:${secured}`);
  session.on('error', () => undefined);
  const [code, , debug] = await once(session, 'goaway');
  expect([code, String(debug)]).toEqual([http2.constants.NGHTTP2_INADEQUATE_SECURITY, 'this port requires TLS']);
  await expect(fetch(`http://127.0.0.1:${secured}/`).then((response) => response.text())).resolves.toBe(
    'this port requires TLS; use https\n',
  );
  expect(accepted).toEqual([]);
});

it('forgets closed connections', async () => {
  const { port, listener } = await listen('either');
  const sockets = [await connectTls(port), await connectTls(port)];
  const plain = net.connect(port, '127.0.0.1');
  await once(plain, 'connect');
  await expect.poll(() => listener.size).toBe(3);
  for (const socket of [...sockets, plain]) socket.destroy();
  await expect.poll(() => listener.size).toBe(0);
});

async function hasIPv6(): Promise<boolean> {
  const server = net.createServer();
  server.listen(0, '::1');
  const found = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  server.close();
  return found;
}
