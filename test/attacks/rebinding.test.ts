// Web pages of other sites, which reach the admin port through a browser of a user who may reach it.
import http from 'node:http';
import http2 from 'node:http2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AdminServer, type AdminServerOptions } from '../../packages/controller/src/admin/admin-server.ts';

async function startServer(options: AdminServerOptions = {}, address = '127.0.0.1:0'): Promise<number> {
  const server = new AdminServer({ notReady: () => [], routes: () => undefined }, options);
  await server.listen(address, 'adminAddress');
  onTestFinished(() => server.close());
  return Number(server.address.split(':').at(-1));
}

/** Sends a request. `method`, `path` and a body are options of their own. */
async function ask(
  port: number,
  headers: http.OutgoingHttpHeaders,
  { method = 'GET', path = '/readyz', body = '' } = {},
) {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }, resolve);
  request.on('error', reject);
  request.end(body);
  const response = await promise;
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

describe('on loopback', () => {
  // Without the check, a page of evil.example, whose name is pointed to 127.0.0.1, reads all resources.
  it.each([
    'evil.example',
    'evil.example:8082',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '10.0.0.7',
  ])('a request to the host "%s" is refused', async (host) => {
    const port = await startServer();
    const { status, text } = await ask(port, { host });
    expect(status).toBe(403);
    expect(text).toMatch(
      /^host ".*" is not allowed; use an IP address or localhost, or allow the name with --admin-host$/m,
    );
  });

  it.each(['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1:9', '[::1]:8082'])(
    'a request to %s is answered',
    async (host) => {
      expect((await ask(await startServer(), { host })).status).toBe(200);
    },
  );

  it('a request to a configured name is answered', async () => {
    const port = await startServer({ hosts: ['Kplug.Example.com'] });
    expect((await ask(port, { host: 'kplug.example.com:80' })).status).toBe(200);
    expect((await ask(port, { host: 'localhost', origin: 'https://kplug.example.com' })).status).toBe(200);
  });

  it('a request over HTTP/2 is checked in the same way', async () => {
    const port = await startServer();
    const session = http2.connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const statusOf = async (headers: http2.OutgoingHttpHeaders) => {
      const stream = session.request({ ':path': '/readyz', ...headers });
      const { promise, resolve } = Promise.withResolvers<unknown>();
      stream.on('response', (found) => resolve(found[':status']));
      stream.resume();
      return promise;
    };
    expect(await statusOf({ ':authority': 'evil.example' })).toBe(403);
    expect(await statusOf({ ':authority': 'localhost', host: 'evil.example' })).toBe(403);
    expect(await statusOf({ ':authority': 'localhost' })).toBe(200);
  });
});

it('a port on all interfaces answers to addresses and private names only', async () => {
  const port = await startServer({}, ':0');
  const statusOf = async (host: string) => (await ask(port, { host })).status;
  for (const host of [
    '10.0.0.7:8082',
    '[2001:db8::1]',
    'kplug',
    'kplug.apps.svc',
    'kplug.apps.svc.cluster.local',
    'host.local',
  ]) {
    expect(await statusOf(host), host).toBe(200);
  }
  for (const host of ['evil.example', 'svc.evil.example', 'evilsvc.example', 'a b'])
    expect(await statusOf(host), host).toBe(403);
});

// Without the check, a page of another origin sends requests, though it may not read the answers.
it.each([
  [{ origin: 'https://evil.example' }],
  [{ origin: 'null' }],
  [{ origin: 'http://localhost:1' }],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
])('a request of a page of another origin is refused: %j', async (headers) => {
  const { status, text } = await ask(await startServer(), { host: 'localhost:8082', ...headers });
  expect([status, text]).toEqual([403, 'requests of pages of other origins are not allowed\n']);
});

it('a request of a page of the same origin, and a link from another site, are answered', async () => {
  const port = await startServer();
  const host = `localhost:${port}`;
  expect((await ask(port, { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  expect((await ask(port, { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(200);
});

// Without the check, a form of any page calls a method.
it.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'TEXT/plain;a=b',
  undefined,
])('a body of the type %s, which a form can send, is refused', async (type) => {
  const port = await startServer();
  const headers = { host: 'localhost', ...(type !== undefined && { 'content-type': type }) };
  const request = { method: 'POST', path: '/kplug.v1.RegistryService/ListPlugins', body: '{}' };
  expect((await ask(port, headers, request)).status).toBe(415);
});

// Without the headers, a page embeds the port in a frame, or takes its answers for a script.
it('answers may not be embedded or interpreted', async () => {
  const { headers } = await ask(await startServer(), { host: 'localhost' });
  expect(headers).toMatchObject({
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
});

describe('authorization', () => {
  it('comes before any handler, with the headers and the path', async () => {
    const seen: string[] = [];
    const port = await startServer({
      authorize: ({ path, headers }) => {
        seen.push(`${path} ${headers.authorization}`);
        return { status: 401, message: 'send a token', headers: { 'www-authenticate': 'Bearer' } };
      },
    });
    const denied = await ask(port, { host: 'localhost', authorization: 'Bearer x' }, { path: '/readyz?verbose' });
    expect(denied).toMatchObject({ status: 401, text: 'send a token\n', headers: { 'www-authenticate': 'Bearer' } });
    expect(seen).toEqual(['/readyz Bearer x']);
    const call = { method: 'POST', path: '/kplug.v1.RegistryService/ListPlugins', body: '{}' };
    const connect = await ask(port, { host: 'localhost', 'content-type': 'application/json' }, call);
    expect([connect.status, JSON.parse(connect.text)]).toEqual([
      401,
      { code: 'unauthenticated', message: 'send a token' },
    ]);
    const grpc = await ask(port, { host: 'localhost', 'content-type': 'application/grpc-web+proto' }, call);
    expect(grpc.headers).toMatchObject({ 'grpc-status': '16', 'grpc-message': 'send%20a%20token' });
  });

  it('denies a request if it fails', async () => {
    const authorize = () => Promise.reject(new Error('no connection'));
    const { status, text } = await ask(await startServer({ authorize }), { host: 'localhost' });
    expect([status, text]).toEqual([503, 'the request could not be authorized: no connection\n']);
  });
});
