import { RefusalReason } from '@kplug/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KplugError } from '../errors.ts';
import type { ReviewedToken } from '../resources/cluster-services.ts';
import { forgeJwt } from './testing.ts';
import { TokenReviewAuthenticator } from './token-review-authenticator.ts';

const user = 'system:serviceaccount:databases:postgresql';
const pod = { name: 'postgresql-0', uid: 'uid-0' };
const accepted: ReviewedToken = { authenticated: true, user, pod, audiences: ['kplug'] };

let reviews: string[];
let answer: (token: string) => Promise<ReviewedToken>;
let authenticator: TokenReviewAuthenticator;
let log: string[];

const token = (claims: object = {}, header?: object) =>
  forgeJwt({ aud: ['kplug'], sub: user, exp: Date.now() / 1_000 + 3_600, ...claims }, header);

beforeEach(() => {
  vi.useFakeTimers();
  reviews = [];
  log = [];
  answer = async () => accepted;
  authenticator = new TokenReviewAuthenticator({
    logger: pino({}, { write: (line: string) => void log.push(line) }),
    reviewer: {
      review: async (sent) => {
        reviews.push(sent);
        return answer(sent);
      },
    },
  });
});

afterEach(() => vi.useRealTimers());

const authenticate = (sent: string) => authenticator.authenticate({ token: sent }, '10.0.0.1');

it('identifies a ServiceAccount and its pod', async () => {
  const { identity } = await authenticate(token());
  expect(identity).toEqual({ kind: 'serviceaccount', namespace: 'databases', name: 'postgresql', pod });
  expect(authenticator.recall({ token: token() })?.identity).toEqual(identity);
  expect(reviews).toHaveLength(1);
});

it('accepts a token without a pod', async () => {
  answer = async () => ({ authenticated: true, user, audiences: ['kplug'] });
  const { identity } = await authenticate(token());
  expect(identity).toEqual({ kind: 'serviceaccount', namespace: 'databases', name: 'postgresql' });
});

it.each([
  ['no JWT', () => 'garbage', 'the token is not a ServiceAccount token; mount'],
  ['of another audience', () => token({ aud: 'vault' }), 'the token is for the audience "vault"; mount'],
  ['without audience', () => token({ aud: undefined }), 'the token has no audience; mount'],
  ['of a user', () => token({ sub: 'admin' }), 'the token of "admin" is not that of a ServiceAccount; mount'],
  [
    'that has expired',
    () => token({ exp: Date.now() / 1_000 - 1 }),
    /^the token expired at 2\d{3}-.*; read the token file/,
  ],
  ['without signature', () => token({}, { alg: 'none' }), 'the token\'s algorithm "none" is not accepted'],
  ['with a shared secret', () => token({}, { alg: 'HS256' }), 'the token\'s algorithm "HS256" is not accepted'],
  ['that is huge', () => token({ padding: 'a'.repeat(20_000) }), 'characters; at most 16 KiB are accepted'],
])('refuses a token %s without a review', async (_, sent, message) => {
  await expect(authenticate(sent())).rejects.toThrow(message);
  await expect(authenticate(sent())).rejects.toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
  expect(reviews).toEqual([]);
});

describe('refuses a token', () => {
  it.each<[string, ReviewedToken, string]>([
    [
      'that the API server refuses',
      { authenticated: false, reason: 'expired' },
      'doesn\'t accept the token: "expired"; the pod',
    ],
    ['of a user', { ...accepted, user: 'admin' }, 'the token of "admin" is not that of a ServiceAccount'],
    ['of a malformed account', { ...accepted, user: `${user}:more` }, 'is not that of a ServiceAccount'],
    ['of an API server that knows no audiences', { ...accepted, audiences: [] }, "didn't confirm the audience"],
  ])('%s', async (_, reviewed, message) => {
    answer = async () => reviewed;
    await expect(authenticate(token())).rejects.toThrow(message);
  });
});

it('accepts known tokens during an outage, unknown ones not, and logs it once', async () => {
  const known = token();
  await authenticate(known);
  answer = async () => Promise.reject(new KplugError('StorageFailed', 'no answer'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await authenticate(known)).identity).toMatchObject({ name: 'postgresql' });
  await expect(authenticate(token({ jti: '1' }))).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
  await expect(authenticate(token({ jti: '1' }))).rejects.toThrow("the operator can't review tokens now");
  expect(log).toHaveLength(1);
  answer = async () => accepted;
  await authenticate(token({ jti: '1' }));
  expect(log).toHaveLength(2);
});

it('never has a token in a message or a log', async () => {
  const secret = token({ jti: 'c2VjcmV0' });
  answer = async () => Promise.reject(new KplugError('StorageFailed', 'no answer'));
  const messages = [String(await authenticate(secret).catch((error: unknown) => error)), ...log].join();
  for (const part of secret.split('.')) expect(messages).not.toContain(part);
});

it('makes at most 80 reviews an hour for each of 1,000 plugins that send a heartbeat every 5 s and rotate their tokens hourly', async () => {
  const plugins = Array.from({ length: 1_000 }, (_, index) => ({ index, token: '' }));
  const rotate = (hour: number) => {
    for (const plugin of plugins)
      plugin.token = token({ jti: `${plugin.index}-${hour}`, exp: Date.now() / 1_000 + 3_660 });
  };
  const hours = 1;
  let waits = 0;
  for (let beat = 0; beat < hours * 720; beat++) {
    if (beat % 720 === 0) rotate(beat / 720);
    for (const { token: sent } of plugins) {
      if (authenticator.recall({ token: sent })) continue;
      waits += 1;
      await authenticate(sent);
    }
    await vi.advanceTimersByTimeAsync(5_000);
  }
  // Only the first heartbeat with each token waits.
  expect(waits).toBe(hours * plugins.length);
  expect(reviews.length / hours / plugins.length).toBeGreaterThanOrEqual(72);
  expect(reviews.length / hours / plugins.length).toBeLessThanOrEqual(80);
});
