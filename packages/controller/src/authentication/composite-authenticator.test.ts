import { RefusalReason } from '@kplug/protocol';
import { beforeEach, expect, it } from 'vitest';
import type { Identity } from '../registry/identity.ts';
import type { Authenticator } from './authenticator.ts';
import { type Authenticators, CompositeAuthenticator } from './composite-authenticator.ts';
import { tryAgain, unauthenticated } from './refusals.ts';
import { forgeJwt } from './testing.ts';

const issuer = 'https://example.org';
const ofIssuer = forgeJwt({ iss: issuer });
const ofCluster = forgeJwt({ iss: 'https://kubernetes.default.svc' });
const certificate = Buffer.from('certificate');

let results: string[];

beforeEach(() => {
  results = [];
});

/** Authenticator that accepts everything as one identity, or fails. */
function accepting(identity: Identity, error?: Error): Authenticator {
  const proof = { identity, validUntil: 0 };
  return { recall: () => proof, authenticate: async () => (error ? Promise.reject(error) : proof) };
}

const every: Authenticators = {
  serviceAccounts: accepting({ kind: 'serviceaccount', namespace: 'a', name: 'a' }),
  tokenFile: accepting({ kind: 'token', name: 'a', plugins: [] }),
  oidc: [{ ...accepting({ kind: 'oidc', issuer, subject: 'a' }), issuer }],
  certificates: accepting({ kind: 'certificate', name: 'a' }),
};

const composite = (authenticators: Authenticators) =>
  new CompositeAuthenticator(authenticators, {
    authenticated: (method, result) => void results.push(`${method} ${result}`),
  });

it.each([
  [{ token: 'kplug_a' }, 'token'],
  [{ token: ofIssuer }, 'oidc'],
  [{ token: ofCluster }, 'serviceaccount'],
  [{ token: 'garbage' }, 'serviceaccount'],
  [{ certificate }, 'certificate'],
  [{ certificate, token: 'kplug_a' }, 'token'],
])('chooses by the form of the credentials: %#', async (credentials, kind) => {
  expect((await composite(every).authenticate(credentials)).identity.kind).toBe(kind);
  expect(composite(every).recall(credentials)?.identity.kind).toBe(kind);
  expect(results).toEqual([`${kind} accepted`]);
});

it('uses a certificate if tokens are not accepted', async () => {
  const { certificates = accepting({ kind: 'anonymous' }) } = every;
  const authenticator = composite({ certificates });
  expect((await authenticator.authenticate({ certificate, token: ofCluster })).identity.kind).toBe('certificate');
});

it.each([
  [
    {},
    'no token and no client certificate was sent; this operator accepts tokens of https://example.org; set KPLUG_TOKEN_FILE to a file with such a token',
  ],
  [{ certificate }, 'a client certificate was sent; this operator accepts'],
  [{ token: 'kplug_secret' }, 'a token made by `kplug token create` was sent; this operator accepts'],
  [{ token: ofCluster }, 'a token of the issuer "https://kubernetes.default.svc" was sent; this operator accepts'],
  [{ token: 'garbage' }, 'a token of an unknown form was sent; this operator accepts'],
])(
  'refuses what it does not accept, with what was sent, what is accepted and what to do: %#',
  async (credentials, message) => {
    const authenticator = composite({ oidc: every.oidc ?? [] });
    expect(authenticator.recall(credentials)).toBeUndefined();
    await expect(authenticator.authenticate(credentials)).rejects.toMatchObject({
      reason: RefusalReason.UNAUTHENTICATED,
      message: expect.stringContaining(message),
    });
    await expect(authenticator.authenticate(credentials)).rejects.not.toThrow('secret');
    expect(results).toEqual(['none refused', 'none refused']);
  },
);

it.each<[Authenticators, string]>([
  [
    { ...(every.serviceAccounts && { serviceAccounts: every.serviceAccounts }) },
    "; set KPLUG_TOKEN_FILE to a mounted token of the pod's ServiceAccount",
  ],
  [
    { ...(every.certificates && { certificates: every.certificates }) },
    '; set KPLUG_TLS_CERT and KPLUG_TLS_KEY to such a certificate',
  ],
  [every, 'ServiceAccount, or KPLUG_TLS_CERT and KPLUG_TLS_KEY to such a certificate'],
])('advises to send what is accepted: %#', async (accepted, advice) => {
  await expect(composite(accepted).authenticate({})).rejects.toThrow(advice);
});

it('reports results', async () => {
  const of = (error: Error) => composite({ tokenFile: accepting({ kind: 'anonymous' }, error) });
  await expect(of(unauthenticated('wrong')).authenticate({ token: 'kplug_a' })).rejects.toThrow('wrong');
  await expect(of(tryAgain('busy')).authenticate({ token: 'kplug_a' })).rejects.toThrow('busy; try again');
  await expect(composite(every).authenticate({ token: 'a'.repeat(20_000) })).rejects.toThrow('at most 16 KiB');
  expect(results).toEqual(['token refused', 'token unavailable', 'none refused']);
});
