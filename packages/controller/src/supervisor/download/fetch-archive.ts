import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { messageOf } from '../../errors.ts';
import { MiB } from '../../limits/limit.ts';
import { limits } from '../../limits/limits.ts';
import { DownloadFailure } from './download-failure.ts';

const { idleTimeout } = limits.downloads;

/** Downloaded archive. */
export interface FetchedArchive {
  url: string;
  /** In lower-case hex. */
  sha256: string;
}

/** Options of a download. */
export interface FetchOptions {
  /** Maximum size of the archive, in bytes. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
  /** Receives the number of bytes received, and the total if the server announced it. */
  onProgress?: ((received: number, total: number | undefined) => void) | undefined;
}

/** Downloads the first URL that exists into a file, through the proxy of the environment if there is one. Rejects with a `DownloadFailure`. */
export async function fetchArchive(
  urls: readonly string[],
  file: string,
  options: FetchOptions,
): Promise<FetchedArchive> {
  const timeouts = { headersTimeout: idleTimeout, bodyTimeout: idleTimeout, connectTimeout: idleTimeout };
  const dispatcher = new EnvHttpProxyAgent(timeouts);
  try {
    for (const url of urls) {
      const response = await request(url, dispatcher, options.signal);
      if (response) return { url, sha256: await receive(response, url, file, options) };
    }
    throw new DownloadFailure('NotFound', `no such release: ${urls.join(' and ')} do not exist`, true);
  } finally {
    await dispatcher.destroy();
  }
}

/** Requests a URL. Returns `undefined` when it does not exist. */
async function request(
  url: string,
  dispatcher: EnvHttpProxyAgent,
  signal?: AbortSignal,
): Promise<Response | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { dispatcher, ...(signal ? { signal } : {}) });
  } catch (cause) {
    throw failed(url, cause);
  }
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  if (response.status === 404 || response.status === 410) return undefined;
  const isLasting = response.status < 500 && response.status !== 408 && response.status !== 429;
  throw new DownloadFailure('DownloadFailed', `${url} returned ${response.status} ${response.statusText}`, isLasting);
}

async function receive(
  { headers, body }: Response,
  url: string,
  file: string,
  { maxBytes, signal, onProgress }: FetchOptions,
): Promise<string> {
  const length = Number(headers.get('content-length') ?? Number.NaN);
  const total = Number.isInteger(length) && !headers.has('content-encoding') ? length : undefined;
  const hash = createHash('sha256');
  let received = 0;
  const check = (bytes: number) => {
    if (bytes <= maxBytes) return;
    const limit = `${Math.floor(maxBytes / MiB)} MiB`;
    throw new DownloadFailure('DownloadFailed', `${url} is larger than ${limit}, the limit for archives`, true);
  };
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      try {
        check(received);
      } catch (error) {
        return done(error as Error);
      }
      hash.update(chunk);
      onProgress?.(received, total);
      done(null, chunk);
    },
  });
  try {
    check(total ?? 0);
    if (!body) throw new Error('the response has no body');
    onProgress?.(0, total);
    await pipeline(Readable.fromWeb(body), counting, createWriteStream(file), ...(signal ? [{ signal }] : []));
  } catch (cause) {
    throw failed(url, cause);
  }
  return hash.digest('hex');
}

function failed(url: string, cause: unknown): DownloadFailure {
  if (cause instanceof DownloadFailure) return cause;
  // The innermost cause has the reason; the outer ones only say `fetch failed`.
  let inner = cause;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return new DownloadFailure('DownloadFailed', `${url} can't be downloaded: ${messageOf(inner)}`, false, { cause });
}
