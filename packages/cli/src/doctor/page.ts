import { request as requestOverTcp } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { CommandError } from '../command-error.ts';
import type { Connection } from '../operator/operator-place.ts';
import { type ClockReading, readClock } from './clock-reading.ts';

/** Time limit of a request, in milliseconds. */
const timeout = 8_000;

/** Response to a GET request. */
export interface Page {
  status: number;
  text: string;
  /** Clock of the server. */
  clock: ClockReading | undefined;
}

/** Sends a GET request. Rejects with a `CommandError` when there is no response. */
export async function fetchPage(url: string, { headers, tls, agent }: Connection = {}): Promise<Page> {
  const request = url.startsWith('https:') ? requestOverTls : requestOverTcp;
  const signal = AbortSignal.timeout(timeout);
  const requestedAt = Date.now();
  try {
    return await new Promise<Page>((resolve, reject) => {
      const outgoing = request(url, { headers: { ...headers }, ...tls, signal, agent: agent ?? false }, (response) => {
        const clock = readClock(response.headers.date, requestedAt, Date.now());
        const status = response.statusCode ?? 0;
        text(response).then((body) => resolve({ status, text: body, clock }), reject);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  } catch (cause) {
    const reason = signal.aborted ? `no answer within ${timeout / 1_000} s` : (cause as Error).message;
    throw new CommandError('unreachable', `cannot read ${url}: ${reason}`, { cause });
  }
}
