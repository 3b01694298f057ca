import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, PluginService } from '@kplug/protocol';
import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import { callerUri, TestCa, type TestCertificate } from '@kplug/testing/certificates';
import { FakeRegistry } from '@kplug/testing/fake-registry';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

// The port of a plugin with TLS. Whatever a client does there, only the operator's caller gets an answer from gRPC, and it always does.

const waiting = { timeout: 20_000, interval: 10 };

let ca: TestCa;
let stranger: TestCa;
let caller: TestCertificate;

beforeAll(async () => {
  [ca, stranger] = await Promise.all([TestCa.create(), TestCa.create()]);
  caller = await ca.caller();
});

interface Attacked {
  plugin: RunningPlugin;
  registry: FakeRegistry;
  port: number;
  /** CA bundle of the plugin. */
  bundle: string;
  /** Writes the files of the plugin's own certificate. */
  useCertificate(own: TestCertificate): Promise<void>;
  /** Calls the plugin as an operator with this certificate, which trusts the certificate that the plugin registered last. */
  operator(certificate?: TestCertificate): GrpcClient<typeof PluginService>;
  warnings: string[];
}

/** Serves a plugin with TLS, registered with a heartbeat service. */
async function serve(reconcile: () => Promise<void> = async () => undefined, own?: TestCertificate): Promise<Attacked> {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-port-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const bundle = join(directory, 'ca.crt');
  await writeFile(bundle, ca.certificate);
  const warnings: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    if (!String(chunk).startsWith('{"level"')) return write(chunk, ...(rest as []));
    warnings.push(String(chunk));
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  const registry = await FakeRegistry.start({ tls: await ca.server() });
  const definition = { name: 'Plain', version: '1.0.0', api: 'Table@1.0.0', reconcile };
  const options = { logLevel: 'warn', handleSignals: false, tlsCa: bundle, controller: registry.address() };
  const files = { tlsCert: join(directory, 'tls.crt'), tlsKey: join(directory, 'tls.key') };
  const useCertificate = async ({ certificate, key }: TestCertificate) => {
    await writeFile(files.tlsCert, certificate);
    await writeFile(files.tlsKey, key);
  };
  if (own) await useCertificate(own);
  const plugin = await definePlugin(definition).serve({ ...options, ...(own && files) });
  onTestFinished(() => plugin.stop());
  await vi.waitFor(() => expect(plugin.registered).toBe(true), waiting);
  const port = Number(plugin.address.split(':').at(-1));
  const operator = ({ key, certificate: chain } = caller) => {
    const context = createSecureContext({
      ca: registeredWith(registry),
      // An issued certificate is trusted itself, without its CA.
      allowPartialTrustChain: true,
      key,
      cert: chain,
      minVersion: 'TLSv1.3',
    });
    const credentials = grpc.credentials.createFromSecureContext(context, { checkServerIdentity: () => undefined });
    const client = createGrpcClient(PluginService, `127.0.0.1:${port}`, credentials, {
      'grpc.ssl_target_name_override': 'plugin',
      'grpc.use_local_subchannel_pool': 1,
    });
    onTestFinished(() => client.$client.close());
    return client;
  };
  return { plugin, registry, port, bundle, useCertificate, operator, warnings };
}

/** Certificate that the plugin registered last, in PEM. */
function registeredWith({ registrations }: FakeRegistry): string {
  const { certificate = new Uint8Array() } = registrations.at(-1)?.registration ?? {};
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString('base64')}\n-----END CERTIFICATE-----\n`;
}

const call = (client: GrpcClient<typeof PluginService>) => client.getInfo({}, { deadline: Date.now() + 10_000 });

/** Asserts that the operator is still served, on a new connection, and that heartbeats continue. */
async function expectServed({ operator, registry, plugin }: Attacked): Promise<void> {
  expect((await call(operator())).instanceId).toBe(plugin.instanceId);
  const { beats } = registry;
  await vi.waitFor(() => expect(registry.beats).toBeGreaterThan(beats), waiting);
  expect(registry.sessionCounts).toEqual([1]);
}

/** Connects by TLS, and sends the start of an HTTP/2 connection. Resolves to the bytes that are received before the plugin closes. */
async function attack(port: number, options: ConnectionOptions): Promise<number> {
  const socket = connect({ port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options });
  socket.on('error', () => undefined);
  socket.on('secureConnect', () => {
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  });
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
  });
  await closed(socket);
  return received;
}

/** Waits until a connection is closed, with or without an error. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

const clients: [string, () => Promise<ConnectionOptions>, RegExp][] = [
  // Anybody in the network could call the plugin, and read what it answers about every resource.
  ['no certificate', async () => ({}), /it has no certificate/],
  // Anybody can make a CA.
  ['a certificate of another CA', async () => asClient(await stranger.caller()), /not valid for the CA bundle/],
  // The certificate of one plugin would let it call the others.
  ['a self-signed certificate', async () => asClient(await selfSigned()), /not valid for the CA bundle/],
  // A stolen key of the heartbeat service would let its thief call all plugins.
  [
    'the certificate of a server',
    async () => asClient(await ca.server({ uris: [callerUri] })),
    /unsuitable certificate purpose|INVALID_PURPOSE/,
  ],
  // A certificate without usages may be used for anything, so that it was not made for calling.
  ['a certificate without usages', async () => asClient(await ca.caller({ usage: 'none' })), /clientAuth/],
  // A CA that is shared, such as that of a cert-manager issuer, gives certificates to others.
  ['no URI', async () => asClient(await ca.issue({ usage: 'client' })), /lacks the URI kplug:\/\/caller/],
  [
    'another URI',
    async () => asClient(await ca.caller({ uris: ['kplug://caller2', 'spiffe://x/y'] })),
    /lacks the URI/,
  ],
  [
    'the URI as a DNS name',
    async () => asClient(await ca.caller({ uris: [], dnsNames: [callerUri] })),
    /lacks the URI/,
  ],
  [
    'a DNS name that looks like a list with the URI',
    async () => asClient(await ca.caller({ uris: [], dnsNames: [`a, URI:${callerUri}, DNS:b`] })),
    /lacks the URI/,
  ],
  // A certificate that was copied once would be good for ever.
  ['an expired certificate', async () => asClient(await ca.caller(expired)), /CERT_HAS_EXPIRED/],
  ['a certificate of the future', async () => asClient(await ca.caller(future)), /CERT_NOT_YET_VALID/],
];

const hour = 3_600_000;
const expired = { from: -2 * hour, until: -hour };
const future = { from: hour, until: 2 * hour };

const asClient = ({ certificate, key }: TestCertificate): ConnectionOptions => ({ cert: certificate, key });

/** Certificate with all that a caller has, of a CA that is its only use. */
async function selfSigned(): Promise<TestCertificate> {
  return (await TestCa.create('caller')).caller();
}

it.each(clients)('a client with %s gets no byte of HTTP/2', async (_, options, reason) => {
  const attacked = await serve();
  expect(await attack(attacked.port, await options())).toBe(0);
  await vi.waitFor(() => expect(attacked.warnings.join('')).toMatch(reason), waiting);
  await expectServed(attacked);
});

it('a client that proves to be the caller gets an answer, so that the refusals above are for their reason', async () => {
  const { port } = await serve();
  const socket = connect({ port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...asClient(caller) });
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  expect(bytes.length).toBeGreaterThan(0);
  socket.destroy();
});

it('health and reflection are behind the same door', async () => {
  // Health and descriptors would tell a stranger which plugin runs here.
  const { port, registry } = await serve();
  const context = createSecureContext({ ca: registeredWith(registry) });
  const credentials = grpc.credentials.createFromSecureContext(context, {
    checkServerIdentity: () => undefined,
  });
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials, { 'grpc.ssl_target_name_override': 'plugin' });
  onTestFinished(() => client.close());
  for (const path of ['/grpc.health.v1.Health/Check', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo']) {
    const pass = (bytes: Buffer) => bytes;
    const failure = await new Promise<grpc.ServiceError | null>((resolve) =>
      client.makeUnaryRequest(path, pass, pass, Buffer.alloc(0), resolve),
    );
    expect(failure?.code).toBe(grpc.status.UNAVAILABLE);
  }
});

it.each(['TLSv1.2', 'TLSv1.1'] as const)('%s is refused', async (maxVersion) => {
  // Older versions send the certificate of the operator in plain text, and have ciphers that were broken.
  const attacked = await serve();
  const options = { minVersion: 'TLSv1' as const, maxVersion, ciphers: 'ALL:@SECLEVEL=0', ...asClient(caller) };
  expect(await attack(attacked.port, options)).toBe(0);
  await vi.waitFor(() => expect(attacked.warnings.join('')).toContain('unsupported protocol'), waiting);
  await expectServed(attacked);
});

it('plain text is refused on the port with TLS', async () => {
  // A call in plain text would pass by all that is verified.
  const attacked = await serve();
  const socket = connectPlain(attacked.port);
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
  });
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await closed(socket);
  // At most a TLS alert.
  expect(received.length).toBeLessThanOrEqual(7);
  await vi.waitFor(() => expect(attacked.warnings.join('')).toContain('does not speak TLS'), waiting);
  await expectServed(attacked);
});

it('no session is resumed, so that the certificate of each connection is verified', async () => {
  // A ticket would let a caller in whose certificate has expired or whose CA was removed, for as long as the ticket is valid.
  const attacked = await serve();
  const options = { port: attacked.port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...asClient(caller) };
  const first = connect(options);
  const sessions: Buffer[] = [];
  first.on('session', (session: Buffer) => sessions.push(session));
  await once(first, 'data');
  sessions.push(first.getSession() ?? Buffer.alloc(0));
  for (const session of sessions) {
    const next = connect({ ...options, session });
    await once(next, 'data');
    expect(next.isSessionReused()).toBe(false);
    next.destroy();
  }
  await writeFile(attacked.bundle, stranger.certificate);
  for (const session of sessions) expect(await attack(attacked.port, { ...asClient(caller), session })).toBe(0);
  first.destroy();
  await call(attacked.operator(await stranger.caller()));
});

it('clients that stop in the middle of the handshake keep nobody out', async () => {
  // Handshakes that never end would take all memory and descriptors, or all places for connections.
  const attacked = await serve();
  const hello = await clientHello(attacked.port);
  const sockets = await flood(attacked.port, 300, (socket) => socket.write(hello.subarray(0, hello.length / 2)));
  await expectServed(attacked);
  await expectAtMost(sockets, 256);
});

it('500 silent connections keep nobody out, and the oldest are closed', async () => {
  // They would stay for ever, and with them their descriptors, until the operator could not connect any more.
  const attacked = await serve();
  const sockets = await flood(attacked.port, 500, () => undefined);
  await expectServed(attacked);
  await expectAtMost(sockets, 256);
});

it('a client that sends its handshake byte by byte is closed in time', { timeout: 60_000 }, async () => {
  // A time limit that starts again with each byte is none.
  const attacked = await serve();
  const hello = await clientHello(attacked.port);
  const socket = connectPlain(attacked.port);
  socket.on('error', () => undefined);
  let at = 0;
  const timer = setInterval(() => at < hello.length - 1 && socket.write(hello.subarray(at, ++at)), 100);
  onTestFinished(() => clearInterval(timer));
  await closed(socket.resume());
  await expectServed(attacked);
});

it('a flood of refused clients is logged once, with their number', async () => {
  // The log would fill the disk.
  const attacked = await serve();
  await Promise.all(Array.from({ length: 50 }, () => attack(attacked.port, {})));
  await expectServed(attacked);
  expect(attacked.warnings.filter((line) => line.includes('refused the client'))).toHaveLength(1);
});

/** Reconcile function that answers when the test lets it. */
function slowReconcile(): { reconcile: () => Promise<void>; started: Promise<void>; finish: () => void } {
  const [started, finished] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reconcile = () => {
    started.resolve();
    return finished.promise;
  };
  return { reconcile, started: started.promise, finish: finished.resolve };
}

const request = { base: { json: Buffer.from('{"apiVersion":"v1","kind":"Table","metadata":{"name":"a","uid":"1"}}') } };

it('when the CA is rotated in the middle of a call, the call ends and new connections are verified by the new CA', async () => {
  // A rotation that closed connections would lose calls, and one that wasn't noticed would lock the operator out.
  const { reconcile, started, finish } = slowReconcile();
  const attacked = await serve(reconcile);
  const inFlight = attacked.operator().reconcile(request, { deadline: Date.now() + 20_000 });
  await started;
  const next = await TestCa.create();
  const nextCaller = await next.caller();
  // The operator publishes both, then calls with a certificate of the new one, and then removes the old one.
  await writeFile(attacked.bundle, ca.certificate + next.certificate);
  await call(attacked.operator());
  await call(attacked.operator(nextCaller));
  await writeFile(attacked.bundle, next.certificate);
  await call(attacked.operator(nextCaller));
  expect(await attack(attacked.port, asClient(caller))).toBe(0);
  finish();
  await expect(inFlight).resolves.toBeDefined();
});

it('when the certificate of the plugin is rotated in the middle of a call, the call ends and the new one is registered', async () => {
  // A call that was made would be made again, though the plugin has done its work.
  const { reconcile, started, finish } = slowReconcile();
  const [first, second] = await Promise.all([ca.server(), ca.server()]);
  const attacked = await serve(reconcile, first);
  const inFlight = attacked.operator().reconcile(request, { deadline: Date.now() + 20_000 });
  await started;
  await attacked.useCertificate(second);
  await vi.waitFor(() => expect(attacked.registry.registrations).toHaveLength(2), waiting);
  await call(attacked.operator());
  expect(attacked.registry.sessionCounts).not.toContain(0);
  finish();
  await expect(inFlight).resolves.toBeDefined();
});

it('a plugin that stops finishes its calls, and waits for no silent connection', async () => {
  // Silent connections would keep the plugin from stopping until it is killed, with all that is in flight.
  const { reconcile, started, finish } = slowReconcile();
  const attacked = await serve(reconcile);
  await flood(attacked.port, 20, () => undefined);
  const inFlight = attacked.operator().reconcile(request, { deadline: Date.now() + 20_000 });
  await started;
  const stopped = attacked.plugin.stop();
  await vi.waitFor(() => expect(attacked.registry.messages.at(-1)?.rpc).toBe('Deregister'), waiting);
  finish();
  await expect(inFlight).resolves.toBeDefined();
  await stopped;
  await expect(call(attacked.operator())).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
});

it('another process at the address is not believed to be the plugin', async () => {
  // Pods get the addresses of others that ended; the new one would be sent their resources.
  const attacked = await serve();
  const other = await serve();
  await expectServed(attacked);
  const context = createSecureContext({
    ca: registeredWith(other.registry),
    key: caller.key,
    cert: caller.certificate,
  });
  const socket = connect({ port: attacked.port, secureContext: context, checkServerIdentity: () => undefined });
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toMatch(/self-signed certificate/);
});

/** Bytes with which a client starts a TLS connection to the port. */
async function clientHello(port: number): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: recorder } = server.address() as { port: number };
  expect(recorder).not.toBe(port);
  const socket: TLSSocket = connect({ port: recorder, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => undefined);
  const [received] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(received, 'data')) as [Buffer];
  received.destroy();
  server.close();
  return bytes;
}

/** Opens connections, which are closed when the test ends, and asserts that they don't block the event loop. */
async function flood(port: number, count: number, open: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const block = await longestBlock(async () => {
    for (let index = 0; index < count; index++) {
      const socket = connectPlain(port);
      socket.on('error', () => undefined);
      socket.resume();
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      open(socket);
      sockets.push(socket);
    }
  });
  expect(block / unitOfWork()).toBeLessThan(50);
  return sockets;
}

/** Waits until no more than a number of connections are open. */
async function expectAtMost(sockets: Socket[], count: number): Promise<void> {
  await vi.waitFor(() => expect(sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(count), waiting);
}
