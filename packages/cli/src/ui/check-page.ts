import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { noAnswer } from '../operator/no-answer.ts';
import type { OperatorPlace } from '../operator/operator-place.ts';

/** Deadline of the check, in milliseconds. */
const timeout = 10_000;

/** Checks that an operator answers and has a page. Rejects with a `CommandError`. */
export async function checkPage(place: OperatorPlace): Promise<void> {
  const { status, body } = await ask(place);
  if (status === 200) return;
  const what = `the operator at ${place.url} (${place.origin})`;
  if (status === 404) {
    throw new CommandError('failed', `${what} has no page: it is older than this command, or runs with --no-page`);
  }
  throw new CommandError('failed', `${what} refused the request: ${body.trim() || `status ${status}`}`);
}

async function ask(place: OperatorPlace): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const { url, connection = {} } = place;
  const { agent, headers = {}, tls } = connection;
  const { request } = url.startsWith('https:') ? https : http;
  const options = { headers, ...(agent && { agent }), ...tls, signal: AbortSignal.timeout(timeout) };
  request(`${url}/`, options, resolve).on('error', reject).end();
  try {
    const answer = await promise;
    return { status: answer.statusCode ?? 0, body: await text(answer) };
  } catch (cause) {
    throw noAnswer(place, cause, messageOf(cause));
  }
}
