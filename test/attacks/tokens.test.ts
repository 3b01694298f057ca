// Attacks with tokens and certificates, on the authenticators of a real API server, an OIDC issuer and a token file.
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusalReason } from '@kplug/protocol';
import { startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { CompositeAuthenticator } from '../../packages/controller/src/authentication/composite-authenticator.ts';
import { OidcAuthenticator } from '../../packages/controller/src/authentication/oidc-authenticator.ts';
import { forgeJwt, TestIssuer } from '../../packages/controller/src/authentication/testing.ts';
import { TokenFileAuthenticator } from '../../packages/controller/src/authentication/token-file-authenticator.ts';
import { createToken } from '../../packages/controller/src/authentication/token-file-editor.ts';
import { TokenReviewAuthenticator } from '../../packages/controller/src/authentication/token-review-authenticator.ts';
import type { RequestObservation, Resources } from '../../packages/controller/src/index.ts';
import { openKubernetes } from '../../packages/controller/src/kubernetes.ts';
import { longestBlock, turn, unitOfWork } from '../scale/loop-meter.fixture.ts';

const soon = { timeout: 40_000, interval: 10 };

/** Longest time that an attack may block the event loop, in units of a computation that takes about a millisecond. */
const maxBlock = 20;

let cluster: TestCluster;
let namespace: string;
let resources: Resources;
let requests: RequestObservation[];
let log: string[];
let honest: HonestPlugin;
let authenticator: CompositeAuthenticator;

const logger = pino({}, { write: (line: string) => void log.push(line) });

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  requests = [];
  log = [];
  const observe = (request: RequestObservation) => void requests.push(request);
  resources = await openKubernetes({ kubeConfig: cluster.kubeConfig, namespace, logger, observe });
}, startTimeout);

afterAll(async () => {
  await resources?.close();
  await cluster?.close();
});

/** Plugin whose token is authenticated all the time. */
class HonestPlugin {
  readonly #timer: NodeJS.Timeout;
  readonly token: string;
  beats = 0;
  readonly failures: unknown[] = [];

  constructor(token: string) {
    this.token = token;
    this.#timer = setInterval(() => void this.beat(), 20);
  }

  async beat(): Promise<void> {
    try {
      const credentials = { token: this.token };
      authenticator.recall(credentials) ?? (await authenticator.authenticate(credentials, '10.0.0.1'));
      this.beats += 1;
    } catch (error) {
      this.failures.push(error);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

beforeEach(async () => {
  const reviewer = resources.services?.tokens;
  if (!reviewer) throw new Error('the cluster reviews no tokens');
  authenticator = new CompositeAuthenticator({ serviceAccounts: new TokenReviewAuthenticator({ reviewer, logger }) });
  honest = new HonestPlugin((await boundToken('honest')).token);
  await honest.beat();
  requests.length = 0;
});

afterEach(async () => {
  vi.useRealTimers();
  const { beats } = honest;
  await vi.waitFor(() => expect(honest.beats).toBeGreaterThan(beats + 2), soon);
  honest.stop();
  expect(honest.failures).toEqual([]);
});

const account = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
const pod = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } },
  spec: { serviceAccountName: name, containers: [{ name: 'plugin', image: 'plugin:1' }] },
});

/** Returns a token of a pod with its own ServiceAccount, as the kubelet requests it. */
async function boundToken(name: string, audience = 'kplug') {
  await cluster.apply(account(name));
  const { metadata } = await cluster.apply(pod(name));
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const { status } = await cluster.request<{ status: { token: string } }>('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience ? [audience] : [],
      expirationSeconds: 600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: metadata.uid },
    },
  });
  return { token: status.token, uid: metadata.uid };
}

const authenticate = (token: string, peer = '10.6.6.6') => authenticator.authenticate({ token }, peer);

async function expectRefused(token: string, message: string): Promise<void> {
  const refusal = await authenticate(token).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    reason: RefusalReason.UNAUTHENTICATED,
    message: expect.stringContaining(message),
  });
  // Neither the plugin's log nor the operator's gets a token.
  const signature = token.split('.')[2];
  if (signature) expect([String(refusal), ...log].join()).not.toContain(signature);
}

const reviews = () => requests.filter(({ resource }) => resource === 'tokenreviews').length;

/** Returns the decoded parts of a token. */
function decode(token: string) {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(header), claims: read(claims), signature };
}

// Without authentication, any process that reaches the port is a plugin.
it('no token is refused, with what is accepted', async () => {
  const refusal = 'no token and no client certificate was sent; this operator accepts tokens of ServiceAccounts';
  await expect(authenticator.authenticate({})).rejects.toThrow(refusal);
});

// Without the reviewed pod, a plugin could register the address of any pod.
it('a token proves the ServiceAccount and the pod that it is bound to', async () => {
  const { token, uid } = await boundToken('proven');
  const { identity } = await authenticate(token);
  expect(identity).toEqual({ kind: 'serviceaccount', namespace, name: 'proven', pod: { name: 'proven', uid } });
});

// Without a bound of our own, a cached proof would outlive its token, as nobody reviews it again.
it('an expired token is refused, even if the API server accepted it before', async () => {
  const { token } = await boundToken('expired');
  const endsAt = decode(token).claims.exp * 1_000;
  honest.stop();
  vi.useFakeTimers({ toFake: ['Date'] });
  // The API server's clock stands still, so to speak: it would still accept the token.
  vi.setSystemTime(endsAt - 5_000);
  expect((await authenticate(token)).validUntil).toBe(endsAt);
  vi.setSystemTime(endsAt);
  expect(authenticator.recall({ token })).toBeUndefined();
  await expectRefused(token, 'the token expired at');
  honest = new HonestPlugin((await boundToken('honest-later')).token);
  honest.stop();
  vi.useRealTimers();
  honest = new HonestPlugin(honest.token);
});

// Without the check of the signature, claims could be changed: a later end, another audience, another account.
it('a token with changed claims is refused', async () => {
  const { header, claims, signature } = decode((await boundToken('changed')).token);
  const sub = `system:serviceaccount:${namespace}:honest`;
  for (const change of [{ exp: claims.exp + 86_400 }, { sub }, { 'kubernetes.io': {} }]) {
    await expectRefused(
      forgeJwt({ ...claims, ...change }, header, signature),
      "the API server doesn't accept the token",
    );
  }
  const other = decode((await boundToken('changed', 'vault')).token);
  await expectRefused(forgeJwt({ ...other.claims, aud: ['kplug'] }, other.header, other.signature), "doesn't accept");
});

// Without the audience, each service that a pod sends its token to could register plugins in its name.
it('a token for another audience, or for the API server, is refused', async () => {
  await expectRefused((await boundToken('audience', 'vault')).token, 'the token is for the audience "vault"');
  await expectRefused((await boundToken('audience', '')).token, 'the token is for the audience');
  expect(reviews()).toBe(0);
});

// Without further reviews, a stolen token would be accepted until it expires, although its pod or ServiceAccount was deleted.
it('a stolen token is refused within a minute of the deletion of its pod or ServiceAccount', async () => {
  const [ofPod, ofAccount] = await Promise.all([boundToken('stolen-pod'), boundToken('stolen-account')]);
  for (const { token } of [ofPod, ofAccount]) await authenticate(token);
  await cluster.request('DELETE', `/api/v1/namespaces/${namespace}/pods/stolen-pod`, { gracePeriodSeconds: 0 });
  await cluster.delete(account('stolen-account'));
  vi.useFakeTimers({ toFake: ['Date'] });
  // The API server itself caches its answers for ten seconds.
  const waitOptions = { ...soon, interval: 1_000 };
  for (const { token } of [ofPod, ofAccount]) {
    await vi.waitFor(async () => {
      vi.setSystemTime(Date.now() + 50_000);
      await expectRefused(token, "the API server doesn't accept the token");
      vi.useRealTimers();
      vi.useFakeTimers({ toFake: ['Date'] });
    }, waitOptions);
  }
});

// Without a list of algorithms, a token needs no signature, or can be signed with the issuer's public key.
it('a token without signature, or signed with the public key, is refused', async () => {
  const { header, claims } = decode((await boundToken('algorithms')).token);
  for (const alg of ['none', 'None', 'NONE', undefined]) {
    await expectRefused(forgeJwt(claims, { ...header, alg }, ''), '');
  }
  const { keys } = JSON.parse(await cluster.text('/openid/v1/jwks')) as { keys: { n: string }[] };
  for (const secret of [JSON.stringify(keys[0]), keys[0]?.n ?? '']) {
    for (const alg of ['HS256', 'RS256']) {
      const unsigned = forgeJwt(claims, { ...header, alg }, '');
      const signature = createHmac('sha256', secret).update(unsigned.slice(0, -1)).digest('base64url');
      await expectRefused(`${unsigned}${signature}`, '');
    }
  }
});

// Without limits, a stranger's garbage would be hashed, parsed and reviewed, and would use up the API server and the memory.
it('huge and malformed tokens are refused without a review, and without blocking the event loop', async () => {
  const { claims } = decode(honest.token);
  const unit = unitOfWork();
  const block = await longestBlock(async () => {
    for (let index = 0; index < 2_000; index++) {
      const garbage = [
        ...[randomBytes(100).toString('latin1'), 'a.b.c', '..', 'kplug_', '{"a":'.repeat(3_000), 'é'.repeat(9_000)],
        ...['a'.repeat(60_000), forgeJwt({ ...claims, padding: 'a'.repeat(20_000) })],
      ];
      await expect(authenticate(garbage[index % garbage.length] ?? '')).rejects.toMatchObject({
        reason: RefusalReason.UNAUTHENTICATED,
      });
      if (index % 20 === 0) await turn();
    }
  });
  expect(block / unit).toBeLessThan(maxBlock);
  expect(reviews()).toBe(0);
});

// Without limits, each forged token would be a request to the API server, and honest plugins would wait behind them.
it('a flood of forged tokens causes a bounded number of reviews, and honest plugins with new tokens are accepted', async () => {
  const { header, claims, signature } = decode(honest.token);
  const forged = (index: number) => forgeJwt({ ...claims, jti: `${index}` }, header, signature);
  const results = await Promise.allSettled(Array.from({ length: 3_000 }, (_, index) => authenticate(forged(index))));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(reviews()).toBeLessThan(150);
  const { token } = await boundToken('newcomer');
  expect((await authenticate(token, '10.0.0.2')).identity).toMatchObject({ name: 'newcomer' });
});

// Without caches, each heartbeat with a revoked token would be a review.
it('one refused token that is sent again and again is reviewed once', async () => {
  const { header, claims, signature } = decode(honest.token);
  const forged = forgeJwt({ ...claims, jti: 'again' }, header, signature);
  await Promise.allSettled(Array.from({ length: 500 }, () => authenticate(forged)));
  for (let index = 0; index < 500; index++) await expectRefused(forged, "doesn't accept the token");
  expect(reviews()).toBe(1);
});

// Without a check of the issuer, whoever runs an issuer decides who is who; with its headers, whoever writes the token does.
it('a token of another issuer is refused, and its headers cause no request', async () => {
  const other = await TestIssuer.start();
  const { claims } = decode(honest.token);
  const jwk = other.keys[0]?.jwk;
  const headers = [
    ...[{}, { jku: `${other.url}/keys` }, { x5u: `${other.url}/x5u` }, { jwk }],
    ...[{ kid: `${other.url}/keys` }, { kid: '../../../../dev/null' }, { kid: "' OR 1=1 --" }],
  ];
  for (const header of headers) {
    await expectRefused(await other.sign(claims, { header }), "the API server doesn't accept the token");
    await expectRefused(await other.sign({ ...claims, iss: other.url }, { header }), "doesn't accept the token");
  }
  expect(other.requests).toEqual([]);
});

// Without a choice by the exact issuer, the weakest of several issuers could speak for all.
it('an issuer cannot speak for the cluster, nor for another issuer', async () => {
  const [first, second] = await Promise.all([TestIssuer.start(), TestIssuer.start()]);
  const oidc = [first, second].map(({ url }) => new OidcAuthenticator({ issuer: url, audience: 'kplug', logger }));
  onTestFinished(async () => void (await Promise.all(oidc.map((one) => one.close()))));
  const reviewer = resources.services?.tokens;
  if (!reviewer) throw new Error('the cluster reviews no tokens');
  authenticator = new CompositeAuthenticator({
    serviceAccounts: new TokenReviewAuthenticator({ reviewer, logger }),
    oidc,
  });
  const { identity } = await authenticate(await first.sign({ sub: `system:serviceaccount:${namespace}:honest` }));
  expect(identity).toMatchObject({ kind: 'oidc', issuer: first.url });
  await expectRefused(await first.sign({ iss: second.url }), 'its signature is wrong');
  const { claims } = decode(honest.token);
  await expectRefused(await first.sign(claims), "the API server doesn't accept the token");
});

// Without enough random bits, or with a look-up that ends early, a token could be found by trying.
it('guessed tokens of a token file are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-attacks-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'tokens.yaml');
  const token = await createToken(file, { name: 'ci', plugins: ['PostgreSQL'] });
  const tokenFile = await TokenFileAuthenticator.open({ file, logger });
  onTestFinished(() => tokenFile.close());
  const guesses = [...token]
    .map((_, index) => token.slice(0, index))
    .concat(`${token} `, token.toUpperCase(), `${token}a`);
  for (const guess of guesses) await expect(tokenFile.authenticate({ token: guess })).rejects.toThrow("doesn't know");
  for (let index = 0; index < 5_000; index++) {
    const guess = `kplug_${randomBytes(32).toString('base64url')}`;
    await expect(tokenFile.authenticate({ token: guess })).rejects.toThrow("doesn't know");
  }
  expect(tokenFile.recall({ token })).toBeDefined();
});
