import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import { TokenReview } from './token-review.ts';
import { Transport } from './transport.ts';

/** Opens the reviews of a server that responds with a status code and an object, and returns them with the received requests. */
async function serve(code: number, content: object) {
  const received: { url: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ url: request.url, body });
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(content));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  const transport = new Transport(kubeConfig, { timeout: 5_000 });
  onTestFinished(async () => {
    await transport.close();
    server.close();
  });
  return { reviews: new TokenReview(transport), received };
}

it('reads user, groups, audiences and pod', async () => {
  const extra = { 'authentication.kubernetes.io/pod-name': ['a-0'], 'authentication.kubernetes.io/pod-uid': ['1'] };
  const user = { username: 'system:serviceaccount:a:b', uid: 'u', groups: ['system:authenticated'], extra };
  const { reviews, received } = await serve(201, { status: { authenticated: true, user, audiences: ['kplug'] } });
  expect(await reviews.review('secret', 'kplug')).toEqual({
    authenticated: true,
    user: 'system:serviceaccount:a:b',
    uid: 'u',
    groups: ['system:authenticated'],
    extra,
    pod: { name: 'a-0', uid: '1' },
    audiences: ['kplug'],
  });
  expect(received.map(({ url }) => url)).toEqual(['/apis/authentication.k8s.io/v1/tokenreviews']);
  expect(JSON.parse(received[0]?.body ?? '').spec).toEqual({ token: 'secret', audiences: ['kplug'] });
});

it.each([
  [{}, { authenticated: false, reason: '' }],
  [
    { authenticated: false, error: 'token secret is wrong' },
    { authenticated: false, reason: 'token … is wrong' },
  ],
  [
    { authenticated: 'true', user: { username: 'a' } },
    { authenticated: false, reason: '' },
  ],
  [
    { authenticated: true, user: {} },
    { authenticated: false, reason: '' },
  ],
  [
    { authenticated: true, user: { username: 'a', extra: 1 }, audiences: 1 },
    { authenticated: true, user: 'a', audiences: [] },
  ],
])('reads a status: %#', async (status, reviewed) => {
  const { reviews } = await serve(201, { status });
  expect(await reviews.review('secret', 'kplug')).toEqual(reviewed);
});

it('reviews a token of any user of the cluster without an audience', async () => {
  const { reviews, received } = await serve(201, { status: { authenticated: true, user: { username: 'alice' } } });
  expect(await reviews.review('secret')).toEqual({ authenticated: true, user: 'alice', audiences: [] });
  expect(JSON.parse(received[0]?.body ?? '').spec).toEqual({ token: 'secret' });
});

it('names the missing right', async () => {
  const { reviews } = await serve(403, {
    message: 'tokenreviews is forbidden: User "u" cannot create resource "tokenreviews"',
  });
  await expect(reviews.review('secret', 'kplug')).rejects.toMatchObject({
    code: 'StorageFailed',
    message: expect.stringContaining(
      'the operator may not create tokenreviews.authentication.k8s.io in all namespaces; add',
    ),
  });
});

it('fails if the response is not a review', async () => {
  const { reviews } = await serve(200, {});
  await expect(reviews.review('secret', 'kplug')).rejects.toThrow(
    "The API server can't review tokens: the response has no status",
  );
});
