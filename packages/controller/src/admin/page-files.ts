import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { PageFile } from '@kplug/page';
import { limits } from '../limits/limits.ts';

/** Common part of the requests of both HTTP versions. */
export interface PageRequest {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

/** Common part of the answers of both HTTP versions. */
export interface PageAnswer {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string | Uint8Array): unknown;
}

/** Reads the files of the page. */
export type ReadPage = () => Promise<readonly PageFile[]>;

/**
 * Headers of the page's files, in addition to those of all answers. Scripts, styles and connections are only those of this port, so that a
 * text which a plugin or a resource smuggles into the page neither runs nor sends anything elsewhere.
 */
const headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  vary: 'accept-encoding',
} as const;

const decompress = promisify(gunzip);

/** Files of the page for people, read at the first request. */
export class PageFiles {
  readonly #read: ReadPage;
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  constructor(read: ReadPage) {
    this.#read = read;
  }

  /** Answers a request to read a file. Returns false if there is none of that path. Rejects if the page can't be read. */
  async serve(path: string, request: PageRequest, response: PageAnswer): Promise<boolean> {
    const file = (await this.#load()).get(path);
    if (!file) return false;
    // The same for all encodings, so it is a weak one.
    const etag = `W/${file.etag}`;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('etag', etag);
    response.setHeader('cache-control', cachingOf(path));
    if (isKnown(request.headers, file.etag)) {
      response.statusCode = 304;
      response.end('');
      return true;
    }
    const isCompressed = acceptsGzip(request.headers);
    const body = isCompressed ? file.gzip : await decompress(file.gzip, { maxOutputLength: limits.admin.maxPageFile });
    response.statusCode = 200;
    response.setHeader('content-type', file.contentType);
    response.setHeader('content-length', String(body.length));
    if (isCompressed) response.setHeader('content-encoding', 'gzip');
    response.end(request.method === 'HEAD' ? '' : body);
    return true;
  }

  #load(): Promise<ReadonlyMap<string, PageFile>> {
    this.#files ??= this.#read().then(
      (files) => new Map(files.map((file) => [file.path, file])),
      (error: unknown) => {
        // The next request tries again.
        this.#files = undefined;
        throw error;
      },
    );
    return this.#files;
  }
}

/** Only this user's browser keeps the files, as the port may be behind an authenticating proxy. */
function cachingOf(path: string): string {
  return path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'private, no-cache';
}

/** Reports whether the client has the file with an entity tag. */
function isKnown({ 'if-none-match': known = '' }: IncomingHttpHeaders, etag: string): boolean {
  const tags = known.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** Reports whether the client accepts gzip. One that says nothing may be a program that prints what it gets. */
function acceptsGzip({ 'accept-encoding': accepted = '' }: IncomingHttpHeaders): boolean {
  const weights = new Map<string, boolean>();
  for (const one of String(accepted).toLowerCase().split(',')) {
    const [coding = '', ...parameters] = one.split(';').map((part) => part.trim());
    weights.set(coding, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)));
  }
  return weights.get('gzip') ?? weights.get('*') ?? false;
}
