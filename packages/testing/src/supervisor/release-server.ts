import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';
import { onTestFinished } from 'vitest';

/** Entry of an archive, valid or malicious. */
export interface ArchiveEntry extends Partial<HeaderData> {
  path: string;
  content?: string;
}

/** Makes a `.tar.gz` of entries, without checking them. */
export function archiveOf(...entries: readonly ArchiveEntry[]): Buffer {
  const blocks = entries.flatMap(({ content = '', ...given }) => {
    const body = Buffer.from(content);
    const header = { type: 'File', mode: 0o644, size: body.length, mtime: new Date(0), ...given } as const;
    const written = new Header(header);
    const block = Buffer.alloc(512);
    const needsPax = written.encode(block, 0);
    const pax = needsPax
      ? new Pax({ path: given.path, ...(given.linkpath ? { linkpath: given.linkpath } : {}) }).encode()
      : Buffer.alloc(0);
    return [pax, block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)]));
}

/** Returns a SHA-256 in lower-case hex. */
export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

type Answer = Buffer | ((response: ServerResponse, request: IncomingMessage) => void);

/** Server of releases on loopback, which stops with the test. */
export class ReleaseServer {
  /** Responses by path, below `/<org>/<repository>/releases/download/`. */
  readonly answers = new Map<string, Answer>();
  /** Requested paths. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ReleaseServer> {
    const server = createServer();
    const releases = new ReleaseServer(server);
    server.on('request', (request, response) => releases.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return releases;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Serves an archive for this machine as `org/repository@release`. */
  serve(item: string, answer: Answer, name = `kplug_plugin_${process.platform}_${architecture}.tar.gz`): void {
    const [repository, release] = item.split('@');
    this.answers.set(`/${repository}/releases/download/${release}/${name}`, answer);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    this.requests.push(url);
    const answer = this.answers.get(url);
    if (typeof answer === 'function') answer(response, request);
    else if (!answer) response.writeHead(404).end('not here');
    else response.writeHead(200, { 'content-length': answer.length }).end(answer);
  }
}

/** Name of this machine's architecture in releases. */
export const architecture = { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch;
