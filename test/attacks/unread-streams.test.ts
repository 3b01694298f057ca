import http2 from 'node:http2';
import net from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService, SessionRequestSchema, WatchPluginsRequestSchema } from '@kplug/protocol';
import { expect, it, onTestFinished, vi } from 'vitest';
import { AttackedOperator } from './attacked-operator.fixture.ts';
import { owner } from './owner.fixture.ts';

const pairs = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`pair-${index}`, 'x'.repeat(180)]));

/** Registers instances with large labels, and changes each of them a number of times. */
async function churn(address: string, instances = 100, rounds = 5): Promise<void> {
  const client = createGrpcClient(RegistryService, address, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all(
      Array.from({ length: instances }, (_, index) =>
        client.heartbeat(
          {
            registration: {
              plugin: 'Churning',
              version: '1.0.0',
              apis: [{ name: 'Other', version: '1.0.0', capabilities: pairs }],
              address: '127.0.0.1:9',
              instanceId: `churning-${index}`,
              labels: { ...pairs, round: String(round) },
            },
          },
          { metadata: owner },
        ),
      ),
    );
    const accepted = answers.filter(({ answer }) => answer.case === 'lease');
    expect(accepted).toHaveLength(instances);
  }
}

function framed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

const watchRequest = framed(toBinary(WatchPluginsRequestSchema, create(WatchPluginsRequestSchema)));

interface UnreadStream {
  readonly status: { code?: number; message?: string; reset?: number };
  readonly stream: http2.ClientHttp2Stream;
}

/** Opens an HTTP/2 connection whose streams have room for so many bytes, and are never read. */
function connect(url: string, window = 65_535): http2.ClientHttp2Session {
  const session = http2.connect(url, { settings: { initialWindowSize: window } });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

function openUnread(session: http2.ClientHttp2Session, path: string, secret?: string): UnreadStream {
  const stream = session.request({
    ...(secret !== undefined && { 'kplug-secret': secret }),
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const status: UnreadStream['status'] = {};
  const read = (headers: http2.IncomingHttpHeaders) => {
    if (headers['grpc-status'] === undefined) return;
    status.code = Number(headers['grpc-status']);
    status.message = decodeURI(String(headers['grpc-message']));
  };
  stream.on('response', read);
  stream.on('trailers', read);
  stream.on('error', () => undefined);
  stream.on('close', () => {
    status.reset = stream.rstCode;
  });
  stream.pause();
  return { status, stream };
}

const exhausted = grpc.status.RESOURCE_EXHAUSTED;

// Without the limits, each of 900 watches holds each change for its reader: 1.6 GB in 12 s.
it('900 watches of readers that never read take little memory', async () => {
  const operator = await AttackedOperator.start();
  const watches: UnreadStream[] = [];
  for (let connection = 0; connection < 9; connection++) {
    const session = connect(`http://${operator.heartbeatAddress}`);
    for (let index = 0; index < 100; index++) {
      const watch = openUnread(session, '/kplug.v1.RegistryService/WatchPlugins');
      watch.stream.end(watchRequest);
      watches.push(watch);
    }
  }
  await vi.waitFor(
    () => expect(watches.filter(({ status }) => status.code === exhausted)).toHaveLength(900 - 64),
    20_000,
  );
  const refused = watches.find(({ status }) => status.code === exhausted)?.status.message;
  expect(refused).toMatch(/has 64 watches open.*close some of them/);
  const before = await operator.state();
  const after = await operator.endure(() => churn(operator.heartbeatAddress));
  expect(after.memory - before.memory).toBeLessThan(128);
});

// Without the limits, changes wait in memory for as long as the reader stays connected.
it.each(['heartbeat', 'admin'])('the watch of a reader that lags is ended on the %s port', async (port) => {
  const operator = await AttackedOperator.start();
  const url = port === 'admin' ? operator.adminUrl : `http://${operator.heartbeatAddress}`;
  const slow = openUnread(connect(url), '/kplug.v1.RegistryService/WatchPlugins');
  slow.stream.end(watchRequest);
  await operator.endure(async () => {
    await churn(operator.heartbeatAddress);
    // The reader doesn't read the reason either, so that its stream is reset.
    await vi.waitFor(() => expect(slow.status.reset).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM), 20_000);
  });
});

// Without the reason, users of a slow reader would take a part of the changes for all.
it('a reader that lags and then reads learns why its watch ended', async () => {
  const operator = await AttackedOperator.start();
  const slow = openUnread(connect(`http://${operator.heartbeatAddress}`), '/kplug.v1.RegistryService/WatchPlugins');
  slow.stream.end(watchRequest);
  await churn(operator.heartbeatAddress);
  slow.stream.resume();
  await vi.waitFor(() => expect(slow.status.code).toBe(exhausted), 20_000);
  expect(slow.status.message).toMatch(/the reader of the watch lags: .*list and watch again/);
});

// Without the limit, each answer of a session that isn't read stays in memory. A refusal that isn't read would hold its stream, too.
it.each([
  ['of the owner', owner.get('kplug-secret').map(String)],
  ['that is refused', []],
])('a session %s whose answers are not read is reset', async (_, secrets) => {
  const operator = await AttackedOperator.start();
  const session = connect(`http://${operator.heartbeatAddress}`, 0);
  const unread = openUnread(session, '/kplug.v1.RegistryService/Session', secrets[0]);
  const message = framed(
    toBinary(
      SessionRequestSchema,
      create(SessionRequestSchema, {
        message: {
          case: 'registration',
          value: {
            plugin: 'Unread',
            version: '1.0.0',
            apis: [{ name: 'Other', version: '1.0.0' }],
            address: '127.0.0.1:9',
            instanceId: 'unread',
          },
        },
      }),
    ),
  );
  const before = await operator.state();
  const after = await operator.endure(async () => {
    for (let index = 0; index < 50_000 && unread.status.reset === undefined; index++) {
      if (!unread.stream.write(message)) await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(() => expect(unread.status.reset).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM), 20_000);
  });
  expect(after.memory - before.memory).toBeLessThan(64);
});

// Without the end of the connection, a reader over HTTP/1.1 that never reads holds its watch for ever.
it('a watch over HTTP/1.1 that is not read is ended', async () => {
  const operator = await AttackedOperator.start();
  const { port, hostname } = new URL(operator.adminUrl);
  const socket = net.connect(Number(port), hostname);
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  onTestFinished(() => void socket.destroy());
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from('{}')]);
  socket.write(
    `POST /kplug.v1.RegistryService/WatchPlugins HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
      `Content-Type: application/connect+json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  // More than the system's own buffers hold.
  await operator.endure(() => churn(operator.heartbeatAddress, 100, 14));
  await vi.waitFor(() => {
    // A socket that isn't read learns by writing that it was closed.
    socket.write('\r\n');
    expect(isClosed).toBe(true);
  }, 20_000);
});
