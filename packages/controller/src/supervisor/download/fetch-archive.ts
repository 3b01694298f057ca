import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { messageOf } from '../../errors.ts';
import { DownloadFailure } from './download-failure.ts';

/** How long a server may say nothing, in milliseconds. */
const silence = 30_000;

/** An archive that has come. */
export interface FetchedArchive {
  url: string;
  /** In lower-case hex. */
  sha256: string;
}

/** How an archive is fetched. */
export interface FetchOptions {
  /** How many bytes it may have. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
  /** Hears how many bytes have come, and how many there are, if that is known. */
  onProgress?: ((received: number, total: number | undefined) => void) | undefined;
}

/**
 * Fetches the first of some URLs that there is into a file, by the proxy that the environment names, if it does. Rejects with a
 * `DownloadFailure`.
 */
export async function fetchArchive(
  urls: readonly string[],
  file: string,
  options: FetchOptions,
): Promise<FetchedArchive> {
  const dispatcher = new EnvHttpProxyAgent({ headersTimeout: silence, bodyTimeout: silence, connectTimeout: silence });
  try {
    for (const url of urls) {
      const response = await ask(url, dispatcher, options.signal);
      if (response) return { url, sha256: await receive(response, url, file, options) };
    }
    throw new DownloadFailure('NotFound', `there is no such release: ${urls.join(' and ')} are not there`, true);
  } finally {
    await dispatcher.destroy();
  }
}

/** `undefined` when there is nothing at a URL. */
async function ask(url: string, dispatcher: EnvHttpProxyAgent, signal?: AbortSignal): Promise<Response | undefined> {
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
  throw new DownloadFailure('DownloadFailed', `${url} answers ${response.status} ${response.statusText}`, isLasting);
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
    const most = `${Math.floor(maxBytes / 2 ** 20)} MiB`;
    throw new DownloadFailure('DownloadFailed', `${url} is larger than the ${most} that an archive may have`, true);
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
    if (!body) throw new Error('there is no content');
    onProgress?.(0, total);
    await pipeline(Readable.fromWeb(body), counting, createWriteStream(file), ...(signal ? [{ signal }] : []));
  } catch (cause) {
    throw failed(url, cause);
  }
  return hash.digest('hex');
}

function failed(url: string, cause: unknown): DownloadFailure {
  if (cause instanceof DownloadFailure) return cause;
  // What went wrong is said by the innermost cause: the outer ones say `fetch failed`.
  let inner = cause;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return new DownloadFailure('DownloadFailed', `${url} can't be fetched: ${messageOf(inner)}`, false, { cause });
}
