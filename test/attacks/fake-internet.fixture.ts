// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { onTestFinished, vi } from 'vitest';

/** Request that a server of the fake internet received. */
export interface ReceivedRequest {
  url: string;
  headers: IncomingMessage['headers'];
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Hosts that a proxy of the environment reaches, over http and https. */
export class FakeInternet {
  /** Requests that reached a host. */
  readonly requests: ReceivedRequest[] = [];
  /** Hosts of which the proxy was asked, with the header Proxy-Authorization. */
  readonly proxied: { host: string; authorization: string | undefined }[] = [];
  readonly #answers = new Map<string, Answer>();

  /** Starts for the rest of the test. @param proxyUser user name and password of the proxy, as in a URL. */
  static async start(hosts: readonly string[], proxyUser = ''): Promise<FakeInternet> {
    const internet = new FakeInternet();
    const { certificate, key } = await selfSigned(hosts);
    const former = getCACertificates('default');
    setDefaultCACertificates([...former, certificate]);
    const answer = (protocol: string): RequestListener => {
      return (request, response) => internet.#answer(protocol, request, response);
    };
    const http = await listen(createServer(answer('http')));
    const https = await listen(createTlsServer({ cert: certificate, key }, answer('https')) as unknown as Server);
    const proxyServer = createServer(answer('http'));
    proxyServer.on('connect', (request, socket) => {
      const { url: host = '', headers } = request;
      internet.proxied.push({ host, authorization: headers['proxy-authorization'] });
      const upstream = connect(host.endsWith(':80') ? http : https, '127.0.0.1');
      for (const one of [socket, upstream]) one.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    const proxy = `http://${proxyUser && `${proxyUser}@`}127.0.0.1:${await listen(proxyServer)}`;
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) vi.stubEnv(name, proxy);
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
    onTestFinished(() => {
      vi.unstubAllEnvs();
      setDefaultCACertificates(former);
    });
    return internet;
  }

  /** Answers requests of a URL without its query. */
  on(url: string, answer: Answer | Buffer): void {
    const send: Answer = (response) => response.end(answer);
    this.#answers.set(url, typeof answer === 'function' ? answer : send);
  }

  #answer(protocol: string, request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    const url = path.startsWith('http') ? path : `${protocol}://${request.headers.host}${path}`;
    this.requests.push({ url, headers: request.headers });
    const answer = this.#answers.get(url.replace(/\?.*/, ''));
    if (answer) answer(response, request);
    else response.writeHead(404).end();
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function selfSigned(hosts: readonly string[]): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=fake internet',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    keys,
    extensions: [new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value })))],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), key: PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
