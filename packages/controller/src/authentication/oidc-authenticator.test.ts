import { hash } from 'node:crypto';
import { RefusalReason } from '@kplug/protocol';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { OidcAuthenticator, type OidcOptions } from './oidc-authenticator.ts';
import { forgeJwt, TestIssuer } from './testing.ts';

const now = () => Math.floor(Date.now() / 1_000);

let issuer: TestIssuer;
let log: string[];

beforeEach(async () => {
  log = [];
  issuer = await TestIssuer.start();
});

function open(options: Partial<OidcOptions> = {}): OidcAuthenticator {
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const authenticator = new OidcAuthenticator({ issuer: issuer.url, audience: 'kplug', logger, ...options });
  onTestFinished(() => authenticator.close());
  return authenticator;
}

it('identifies the subject of a token, and recalls it without a request', async () => {
  const authenticator = open();
  const token = await issuer.sign();
  const { identity, validUntil } = await authenticator.authenticate({ token });
  expect(identity).toEqual({ kind: 'oidc', issuer: issuer.url, subject: 'repo:example/postgresql' });
  expect(validUntil).toBeLessThanOrEqual(Date.now() + 60_000);
  expect(authenticator.recall({ token })?.identity).toEqual(identity);
  expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
});

it('identifies by another claim', async () => {
  const authenticator = open({ subjectClaim: 'repository' });
  const token = await issuer.sign({ repository: 'example/postgresql' });
  expect((await authenticator.authenticate({ token })).identity).toMatchObject({ subject: 'example/postgresql' });
});

it('reads the keys again when a token names a new one', async () => {
  const authenticator = open();
  await authenticator.authenticate({ token: await issuer.sign() });
  await issuer.addKey('second');
  const token = await issuer.sign({}, { kid: 'second' });
  // Within the time after a request, unknown keys don't cause another one.
  await expect(authenticator.authenticate({ token })).rejects.toThrow('the issuer has no key with its key id');
  expect(issuer.requests).toHaveLength(2);
  expect((await open().authenticate({ token })).identity).toMatchObject({ kind: 'oidc' });
});

describe('refuses a token', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['that has expired', () => issuer.sign({ exp: now() - 60 }), 'it expired at 2'],
    ['without expiry', () => issuer.sign({ exp: undefined }), 'its claim "exp" is missing'],
    ['that is not valid yet', () => issuer.sign({ nbf: now() + 600 }), 'its claim "nbf" has another value'],
    ['of another audience', () => issuer.sign({ aud: 'vault' }), 'its claim "aud" has another value'],
    ['of another issuer', () => issuer.sign({ iss: 'https://example.org' }), 'its claim "iss" has another value'],
    ['without subject', () => issuer.sign({ sub: undefined }), 'its claim "sub" is missing'],
    ['with control characters in the subject', () => issuer.sign({ sub: 'a\nb' }), 'its claim "sub" is not a text'],
    ['with a huge subject', () => issuer.sign({ sub: 'a'.repeat(300) }), 'its claim "sub" is not a text'],
    ['with an unknown critical header', () => issuer.sign({}, { header: { crit: ['x'], x: 1 } }), ''],
    ['without signature', async () => forgeJwt({ iss: issuer.url }, { alg: 'none' }, ''), ''],
    ['that is garbage', async () => 'garbage.garbage.garbage', 'it is not a signed JWT'],
    ['that is huge', async () => 'a'.repeat(20_000), 'at most 16 KiB are accepted'],
    ['with a wrong signature', async () => `${(await issuer.sign()).slice(0, -8)}AAAAAAAA`, 'its signature is wrong'],
  ])('%s', async (_, make, message) => {
    const token = await make().catch(() =>
      forgeJwt({ iss: issuer.url, exp: now() + 60 }, { alg: 'RS256', crit: ['x'], x: 1 }),
    );
    const refusal = await open()
      .authenticate({ token })
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ reason: RefusalReason.UNAUTHENTICATED, message: expect.stringContaining(message) });
    expect(String(refusal)).not.toContain(token.split('.')[2] || token);
  });

  it('that is signed with the public key as a shared secret', async () => {
    const jwk = issuer.keys[0]?.jwk;
    for (const secret of [JSON.stringify(jwk), String(jwk?.x), hash('sha256', String(jwk?.x))]) {
      const token = await new SignJWT({ iss: issuer.url, aud: 'kplug', sub: 'a', exp: now() + 600 })
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(new TextEncoder().encode(secret));
      await expect(open().authenticate({ token })).rejects.toThrow('its algorithm is not allowed');
    }
  });

  it("that brings its own key, or names where it is, which isn't requested", async () => {
    const other = await TestIssuer.start();
    const [{ jwk } = { jwk: {} }] = other.keys;
    const headers = [{ jku: `${other.url}/keys` }, { x5u: `${other.url}/x5u` }, { jwk }, { kid: `${other.url}/keys` }];
    for (const header of headers) {
      const token = await other.sign({ iss: issuer.url }, { header });
      await expect(open().authenticate({ token })).rejects.toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
    }
    expect(other.requests).toEqual([]);
  });
});

describe('an issuer', () => {
  const authenticate = async (authenticator = open()) => authenticator.authenticate({ token: await issuer.sign() });
  const discovery = '/.well-known/openid-configuration';

  it.each([
    ['that redirects', discovery, { status: 302, headers: { location: '/other' } }],
    ['whose keys redirect', '/keys', { status: 302, headers: { location: '/other' } }],
    [
      'that names another issuer',
      discovery,
      { body: '{"issuer":"https://example.org","jwks_uri":"https://example.org/k"}' },
    ],
    ['that sends no JSON', discovery, { body: '<html>' }],
    ['whose document is huge', discovery, { body: ' '.repeat(2 * 1024 * 1024) }],
    ['whose keys are huge', '/keys', { body: ' '.repeat(2 * 1024 * 1024) }],
    ['whose keys are malformed', '/keys', { body: '{"keys":[1]}' }],
    ['whose keys are at no URL', discovery, { body: '{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}' }],
    [
      'whose keys are at a plain http URL',
      discovery,
      { body: '{"issuer":"ISSUER","jwks_uri":"http://10.0.0.1/keys"}' },
    ],
  ])('%s is unavailable, and the log says so once', async (_, path, response) => {
    const body = 'body' in response ? response.body.replace('ISSUER', issuer.url) : '';
    issuer.responses.set(path, { ...response, body });
    const authenticator = open();
    for (let attempt = 0; attempt < 5; attempt++) {
      await expect(authenticate(authenticator)).rejects.toMatchObject({ reason: RefusalReason.CAPACITY });
    }
    expect(issuer.requests.length).toBeLessThanOrEqual(2);
    expect(issuer.requests).not.toContain('/other');
    expect(log).toHaveLength(1);
  });

  it('that is down does not end proofs, nor tokens whose keys are known', async () => {
    const authenticator = open();
    const token = await issuer.sign();
    await authenticator.authenticate({ token });
    issuer.stop();
    await expect(authenticator.authenticate({ token: await issuer.sign({ jti: '2' }) })).resolves.toBeDefined();
    expect(authenticator.recall({ token })).toBeDefined();
  });

  it.each([
    'http://example.org',
    'ftp://example.org',
    'https://user:secret@example.org',
    'https://example.org?a=b',
    'none',
  ])('may not be %s', (url) => expect(() => open({ issuer: url })).toThrow('use an https URL without user'));
});

it.each([[['HS256']], [['none']], [['RS256', 'HS512']], [[]]])('the algorithms may not be %j', (algorithms) => {
  expect(() => open({ algorithms })).toThrow('The algorithms of OIDC tokens are not valid');
});

it('the audience may not be empty', () => {
  expect(() => open({ audience: '' })).toThrow('neither may be empty');
});
