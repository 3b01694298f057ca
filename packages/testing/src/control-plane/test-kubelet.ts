import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { TestCa } from '../certificates.ts';
import type { TestCluster } from './test-cluster.ts';

/** Part of `ws` that is used here. */
interface WebSocket {
  send(content: Buffer): void;
  close(): void;
  terminate(): void;
  on(event: 'message', listener: (message: Buffer) => void): void;
  on(event: 'close', listener: () => void): void;
}

interface WebSocketServer {
  readonly clients: Iterable<WebSocket>;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, onOpen: (socket: WebSocket) => void): void;
}

// The package comes with client-node, and the tests need no other version of it.
const { WebSocketServer } = createRequire(import.meta.resolve('@kubernetes/client-node'))('ws') as {
  WebSocketServer: new (options: { noServer: true; handleProtocols: () => string }) => WebSocketServer;
};

/** Channels of a forwarded port. */
const [dataChannel, errorChannel] = [0, 1];

/** Lines of a log, and those who follow it. */
interface ContainerLog {
  lines: string[];
  followers: Set<(line: string) => void>;
}

/** Node of a cluster whose kubelet forwards ports of its pods to ports of this machine, and has logs of containers. */
export class TestKubelet implements AsyncDisposable {
  readonly name = `node-${randomBytes(4).toString('hex')}`;
  /** Forwarded ports, as `namespace/pod:port`. */
  readonly forwarded: string[] = [];
  /** Logs of containers, by `namespace/pod/container`. */
  readonly #logs = new Map<string, ContainerLog>();
  readonly #cluster: TestCluster;
  readonly #server: Server;
  readonly #sockets: WebSocketServer = new WebSocketServer({
    noServer: true,
    handleProtocols: () => 'v4.channel.k8s.io',
  });
  readonly #target: (port: number) => number | undefined;

  private constructor(cluster: TestCluster, server: Server, target: (port: number) => number | undefined) {
    this.#cluster = cluster;
    this.#server = server;
    this.#target = target;
    server.on('request', (request, response) => this.#serveLog(request, response));
    server.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '', 'https://kubelet');
      const [, , namespace, pod] = url.pathname.split('/');
      const port = Number(url.searchParams.get('port') ?? url.searchParams.get('ports'));
      this.forwarded.push(`${namespace}/${pod}:${port}`);
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#forward(opened, port));
    });
  }

  /** Starts a kubelet and adds its node. @param target returns the local port for a port of a pod, if something listens there. */
  static async start(cluster: TestCluster, target: (port: number) => number | undefined): Promise<TestKubelet> {
    const ca = await TestCa.create();
    const { certificate: cert, key } = await ca.issue({ usage: 'server', ipAddresses: ['127.0.0.1'] });
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const kubelet = new TestKubelet(cluster, server, target);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: kubelet.name } };
    await cluster.apply(node);
    const { port } = server.address() as AddressInfo;
    const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }];
    await cluster.edit(node, { status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } } }, 'status');
    return kubelet;
  }

  /** Adds a running pod of this node. @param more address of the pod, names of its containers, and annotations. */
  async addPod(
    namespace: string,
    name: string,
    labels: Record<string, string>,
    {
      podIP,
      containers: names = ['operator'],
      annotations = {},
    }: { podIP?: string; containers?: readonly string[]; annotations?: Record<string, string> } = {},
  ): Promise<void> {
    const containers = names.map((container) => ({ name: container, image: 'kplug' }));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels, annotations } };
    await this.#cluster.apply({ ...pod, spec: { nodeName: this.name, containers } });
    await this.#cluster.edit(
      pod,
      { status: { phase: 'Running', ...(podIP && { podIP, podIPs: [{ ip: podIP }] }) } },
      'status',
    );
  }

  /** Writes a line to the log of a container. */
  log(namespace: string, pod: string, container: string, line: string): void {
    const { lines, followers } = this.#logOf(`${namespace}/${pod}/${container}`);
    lines.push(line);
    for (const follower of followers) follower(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.delete({ apiVersion: 'v1', kind: 'Node', metadata: { name: this.name } });
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #logOf(key: string): ContainerLog {
    const known = this.#logs.get(key);
    if (known) return known;
    const log: ContainerLog = { lines: [], followers: new Set() };
    this.#logs.set(key, log);
    return log;
  }

  /** Serves the log of a container, as the API server asks for it. */
  #serveLog({ url: path = '' }: IncomingMessage, response: ServerResponse): void {
    const url = new URL(path, 'https://kubelet');
    const [, endpoint, ...place] = url.pathname.split('/');
    if (endpoint !== 'containerLogs') {
      response.writeHead(404).end();
      return;
    }
    const { lines, followers } = this.#logOf(place.join('/'));
    const tail = Number(url.searchParams.get('tailLines') ?? lines.length);
    const time = url.searchParams.get('timestamps') === 'true' ? '2026-01-01T00:00:00.000000000Z ' : '';
    const write = (line: string) => void response.write(`${time}${line}\n`);
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    for (const line of tail > 0 ? lines.slice(-tail) : []) write(line);
    if (url.searchParams.get('follow') !== 'true') {
      response.end();
      return;
    }
    followers.add(write);
    response.on('close', () => followers.delete(write));
  }

  /** Each message begins with its channel, and the first one of each channel has the port. */
  #forward(socket: WebSocket, port: number): void {
    const send = (channel: number, content: Buffer) => socket.send(Buffer.concat([Buffer.of(channel), content]));
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    for (const channel of [dataChannel, errorChannel]) send(channel, number);
    const target = this.#target(port);
    if (target === undefined) {
      send(errorChannel, Buffer.from(`failed to connect to localhost:${port} inside namespace: connection refused`));
      return;
    }
    const connection = connect(target, '127.0.0.1');
    connection.on('data', (content) => send(dataChannel, content));
    connection.on('close', () => socket.close());
    connection.on('error', (error) => send(errorChannel, Buffer.from(error.message)));
    socket.on('message', (message: Buffer) => {
      if (message[0] === dataChannel) connection.write(message.subarray(1));
    });
    socket.on('close', () => connection.destroy());
  }
}
