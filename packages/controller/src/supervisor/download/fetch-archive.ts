import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MiB } from '../../limits/limit.ts';
import { ArchiveRequests, type ArchiveResponse, failedRequest } from './archive-request.ts';
import { displayUrl } from './credentials.ts';
import { DownloadFailure } from './download-failure.ts';

/** Downloaded archive. */
export interface FetchedArchive {
  /** URL without credentials. */
  url: string;
  /** In lower-case hex. */
  sha256: string;
}

/** Options of a download. */
export interface FetchOptions {
  /** Maximum size of the archive, in bytes. */
  maxBytes: number;
  /** Maximum time of the download, in milliseconds. */
  timeout: number;
  /** True if the archive has a required checksum, so that it may come over http. */
  isPinned: boolean;
  signal?: AbortSignal | undefined;
  /** Receives the number of bytes received, and the total if the server announced it. */
  onProgress?: ((received: number, total: number | undefined) => void) | undefined;
}

/** Downloads the first URL that exists into a file, through the proxy of the environment if there is one. Rejects with a `DownloadFailure`. */
export async function fetchArchive(urls: readonly URL[], file: string, options: FetchOptions): Promise<FetchedArchive> {
  const { timeout, isPinned } = options;
  const tooLong = new DownloadFailure('DownloadFailed', `the download took longer than ${timeout} ms`, false);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tooLong), timeout);
  const signal = AbortSignal.any([late.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    await using requests = new ArchiveRequests(isPinned, signal);
    for (const url of urls) {
      const response = await requests.request(url);
      if (response) return { url: displayUrl(url), sha256: await receive(response, url, file, { ...options, signal }) };
    }
    throw new DownloadFailure('NotFound', `no such release: ${urls.map(displayUrl).join(' and ')} do not exist`, true);
  } finally {
    clearTimeout(timer);
  }
}

async function receive(
  { headers, body }: ArchiveResponse,
  url: URL,
  file: string,
  { maxBytes, signal, onProgress }: FetchOptions & { signal: AbortSignal },
): Promise<string> {
  const length = Number(headers['content-length'] ?? Number.NaN);
  const total = Number.isInteger(length) ? length : undefined;
  const hash = createHash('sha256');
  let received = 0;
  const check = (bytes: number) => {
    if (bytes <= maxBytes) return;
    const limit = `${Math.floor(maxBytes / MiB)} MiB`;
    throw new DownloadFailure(
      'DownloadFailed',
      `${displayUrl(url)} is larger than ${limit}, the limit for archives`,
      true,
    );
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
    onProgress?.(0, total);
    await pipeline(body, counting, createWriteStream(file), { signal });
  } catch (cause) {
    body.on('error', () => undefined).destroy();
    if (signal.aborted) throw signal.reason;
    throw failedRequest(url, cause);
  }
  return hash.digest('hex');
}
