import { request as requestInPlain } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { CommandError } from '../command-error.ts';
import type { OperatorCredentials } from '../operator/operator-place.ts';
import { type ClockReading, readClock } from './clock-reading.ts';

/** How long an answer may take, in milliseconds. */
const timeout = 8_000;

/** An answer to a simple GET. */
export interface Page {
  status: number;
  text: string;
  /** The clock of whoever answered. */
  clock: ClockReading | undefined;
}

/** Fetches a page. Rejects with a `CommandError` when there is no answer. */
export async function fetchPage(url: string, { headers, tls }: Partial<OperatorCredentials> = {}): Promise<Page> {
  const request = url.startsWith('https:') ? requestOverTls : requestInPlain;
  const signal = AbortSignal.timeout(timeout);
  const askedAt = Date.now();
  try {
    return await new Promise<Page>((resolve, reject) => {
      const outgoing = request(url, { headers: { ...headers }, ...tls, signal, agent: false }, (response) => {
        const clock = readClock(response.headers.date, askedAt, Date.now());
        const status = response.statusCode ?? 0;
        text(response).then((body) => resolve({ status, text: body, clock }), reject);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  } catch (cause) {
    const why = signal.aborted ? `no answer within ${timeout / 1_000} s` : (cause as Error).message;
    throw new CommandError('unreachable', `${url} can't be read: ${why}`, { cause });
  }
}
