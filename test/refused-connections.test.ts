import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { pino } from 'pino';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { frame, frameType } from '../bench/http2-load/frames.ts';
import { limits } from '../packages/controller/src/limits/limits.ts';
import { refusalReasons } from '../packages/controller/src/ports/refusal-reason.ts';
import { cancelledCalls, headersOf, preface } from './attacks/raw-connection.fixture.ts';
import { SecuredOperator } from './attacks/secured-operator.ts';

const soon = { timeout: 20_000, interval: 20 };
const sessionCall = {
  ':method': 'POST',
  ':path': '/kplug.v1.RegistryService/Session',
  'content-type': 'application/grpc',
};

beforeAll(() => {
  Object.assign(limits.ports, { sweepInterval: 50, refusalLogInterval: 1_500 });
});

const timed = ['handshake-timeout', 'request-timeout', 'idle'];

/** Sets the times after which connections are closed. They are long for other reasons: a busy machine may pause for half a second. */
function setTimeouts(reason: string): void {
  const timeout = timed.includes(reason) ? 500 : 60_000;
  Object.assign(limits.heartbeat, { handshakeTimeout: timeout, requestTimeout: timeout, idleTimeout: timeout });
  Object.assign(limits.admin, { requestTimeout: timeout });
}

interface LogLine {
  level: number;
  port?: string;
  reason?: string;
  connections?: number;
  msg: string;
}

async function start(maxConnections = 100) {
  const lines: LogLine[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const operator = await SecuredOperator.start({
    logger,
    adminAddress: '127.0.0.1:0',
    heartbeatConnections: { max: maxConnections },
  });
  const { adminAddress } = operator.controller;
  const port = { heartbeat: Number(operator.address.split(':').at(-1)), admin: Number(adminAddress.split(':').at(-1)) };
  return {
    operator,
    port,
    linesOf: (reason: string) => lines.filter((line) => line.reason === reason),
    count: async (name: string, reason: string) => {
      const text = await (await fetch(`http://${adminAddress}/metrics`)).text();
      const line = new RegExp(`^kplug_connections_refused_total\\{port="${name}",reason="${reason}"\\} (\\d+)$`, 'm');
      return Number(line.exec(text)?.[1] ?? 0);
    },
  };
}

function send(port: number, text: string | Buffer): net.Socket {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write(text);
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function openTls(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
  return socket;
}

async function openSession(port: number): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  return session;
}

// Many more than the limit, as one more is allowed each 10 ms that a busy machine takes to read them.
const pings = Array<Buffer>(10 * limits.ports.maxControlFrames).fill(frame(frameType.ping, 0, 0, Buffer.alloc(8)));
const openHeaders = frame(frameType.headers, 0, 1, headersOf([[':method', 'POST']]));
const continuations = Array<Buffer>(1_000).fill(frame(9, 0, 1, headersOf([['x-one', 'y'.repeat(100)]])));

/** Each reason, with a client that causes it. */
const causes: readonly (readonly [reason: string, name: 'heartbeat' | 'admin', cause: (port: number) => unknown])[] = [
  ['handshake-timeout', 'heartbeat', (port) => send(port, '')],
  ['handshake-timeout', 'heartbeat', (port) => send(port, '\x16\x03\x01\x02\x00')],
  ['tls-failed', 'heartbeat', (port) => openTls(port, { maxVersion: 'TLSv1.2' })],
  ['plain-text', 'heartbeat', (port) => send(port, preface)],
  ['wrong-protocol', 'heartbeat', (port) => openTls(port, { ALPNProtocols: [] })],
  ['wrong-protocol', 'admin', (port) => send(port, 'HELLO\r\n\r\n')],
  ['wrong-protocol', 'admin', (port) => send(port, Buffer.concat([preface, openHeaders, preface]))],
  ['request-timeout', 'admin', (port) => send(port, 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nx-a')],
  [
    'request-timeout',
    'heartbeat',
    async (port) => (await openSession(port)).request(sessionCall, { endStream: false }).on('error', () => undefined),
  ],
  [
    'idle',
    'heartbeat',
    async (port) => {
      const path = '/kplug.v1.RegistryService/ListPlugins';
      const call = (await openSession(port)).request({ ...sessionCall, ':path': path });
      call.on('error', () => undefined).end(Buffer.alloc(5));
    },
  ],
  ['flood', 'heartbeat', async (port) => (await openTls(port)).write(cancelledCalls(sessionCall[':path'], 2_000))],
  ['flood', 'heartbeat', async (port) => (await openTls(port)).write(Buffer.concat([preface, ...pings]))],
  ['flood', 'admin', (port) => send(port, Buffer.concat([preface, ...pings]))],
  ['flood', 'admin', (port) => send(port, Buffer.concat([preface, openHeaders, ...continuations]))],
  [
    'flood',
    'admin',
    (port) =>
      send(
        port,
        `GET /readyz HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(2 * limits.admin.maxHeaderSize)}\r\n\r\n`,
      ),
  ],
];

it.each(causes)(
  'a connection that is refused for the reason %s is counted and logged (%s port)',
  async (reason, name, cause) => {
    setTimeouts(reason);
    const { port, count, linesOf } = await start();
    await cause(port[name]);
    await vi.waitFor(async () => expect(await count(name, reason)).toBe(1), soon);
    expect(linesOf(reason)).toMatchObject([
      {
        port: name,
        level: reason === 'idle' ? 20 : 40,
        connections: 1,
        peer: '127.0.0.1',
        msg: expect.stringContaining('; '),
      },
    ]);
  },
);

it('connections beyond the maximum are counted, with one line per reason and interval', async () => {
  const { port, count, linesOf } = await start(5);
  for (let opened = 0; opened < 40; opened++) send(port.heartbeat, '\x16');
  await vi.waitFor(async () => expect(await count('heartbeat', 'too-many')).toBe(35), soon);
  await vi.waitFor(() => expect(linesOf('too-many').map(({ connections }) => connections)).toEqual([1, 34]), soon);
  expect(linesOf('too-many')[1]?.msg).toContain('34 connections, the last from 127.0.0.1 to the heartbeat port');
});

it('clients that close their connections themselves are not counted', async () => {
  const { operator, port, linesOf } = await start();
  for (const text of ['', '\x16\x03\x01']) {
    const socket = send(port.heartbeat, text);
    await once(socket, 'connect');
    socket.destroy();
  }
  const client = await operator.client();
  expect(await client.list()).toBe('UNAUTHENTICATED');
  client.client.$client.close();
  const reasons = ['handshake-timeout', 'tls-failed', 'wrong-protocol', 'flood', 'request-timeout', 'too-many'];
  expect(reasons.flatMap(linesOf)).toEqual([]);
});

it('every reason is documented', async () => {
  const page = await readFile('docs/troubleshooting.md', 'utf8');
  const section = page.slice(page.indexOf('## Refused connections'), page.indexOf('## Refused plugins'));
  const documented = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, reason]) => reason);
  expect(documented).toEqual(Object.keys(refusalReasons));
});
