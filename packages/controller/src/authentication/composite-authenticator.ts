import { RefusalReason } from '@kplug/protocol';
import { RefusedRegistration } from '../registry/refusal.ts';
import type {
  AuthenticationMethod,
  AuthenticationObserver,
  AuthenticationResult,
  Authenticator,
  Credentials,
  Proof,
} from './authenticator.ts';
import type { OidcAuthenticator } from './oidc-authenticator.ts';
import { quote, unauthenticated } from './refusals.ts';
import { tokenPrefix } from './token-file.ts';
import { readUnverifiedClaims, refuseLargeToken } from './token-text.ts';

/** Authenticators of an operator. Missing ones accept nothing. */
export interface Authenticators {
  /** ServiceAccounts of the operator's cluster. */
  serviceAccounts?: Authenticator;
  /** Tokens made by `kplug token create`. */
  tokenFile?: Authenticator;
  /** Tokens of OIDC issuers, each of another one. */
  oidc?: readonly (Authenticator & Pick<OidcAuthenticator, 'issuer'>)[];
  /** Client certificates. */
  certificates?: Authenticator;
}

interface Choice {
  method: AuthenticationMethod;
  authenticator: Authenticator;
}

/** Chooses the authenticator by the form of the credentials. A token counts before a certificate; both need not be accepted. */
export class CompositeAuthenticator implements Authenticator {
  readonly #authenticators: Authenticators;
  readonly #observer: AuthenticationObserver | undefined;

  constructor(authenticators: Authenticators, observer?: AuthenticationObserver) {
    this.#authenticators = authenticators;
    this.#observer = observer;
  }

  recall(credentials: Credentials): Proof | undefined {
    return this.#choose(credentials)?.authenticator.recall(credentials);
  }

  async authenticate(credentials: Credentials, peer?: string): Promise<Proof> {
    let method: AuthenticationMethod = 'none';
    try {
      const choice = this.#choose(credentials);
      if (!choice) throw this.#refusalOf(credentials);
      method = choice.method;
      const proof = await choice.authenticator.authenticate(credentials, peer);
      this.#observer?.authenticated(method, 'accepted');
      return proof;
    } catch (error) {
      this.#observer?.authenticated(method, resultOf(error));
      throw error;
    }
  }

  async close(): Promise<void> {
    const { serviceAccounts, tokenFile, oidc = [], certificates } = this.#authenticators;
    await Promise.all([serviceAccounts, tokenFile, ...oidc, certificates].map((one) => one?.close?.()));
  }

  #choose({ token, certificate }: Credentials): Choice | undefined {
    const { certificates } = this.#authenticators;
    const byToken = token === undefined ? undefined : this.#chooseByToken(token);
    return byToken ?? (certificate && certificates && { method: 'certificate', authenticator: certificates });
  }

  #chooseByToken(token: string): Choice | undefined {
    refuseLargeToken(token);
    const { serviceAccounts, tokenFile, oidc = [] } = this.#authenticators;
    if (token.startsWith(tokenPrefix)) return tokenFile && { method: 'token', authenticator: tokenFile };
    // Reading the claims takes time for each heartbeat, and is needed only with issuers.
    const issuer = oidc.length > 0 ? readUnverifiedClaims(token)?.issuer : undefined;
    const ofIssuer = issuer === undefined ? undefined : oidc.find((one) => one.issuer === issuer);
    if (ofIssuer) return { method: 'oidc', authenticator: ofIssuer };
    return serviceAccounts && { method: 'serviceaccount', authenticator: serviceAccounts };
  }

  #refusalOf(credentials: Credentials): RefusedRegistration {
    const accepted = this.#describeAccepted();
    const found = `${describeSent(credentials)} was sent`;
    if (accepted.length === 0)
      return unauthenticated(`${found}, and this operator accepts no credentials; configure some`);
    return unauthenticated(`${found}; this operator accepts ${accepted.join(', ')}; set ${this.#advise()}`);
  }

  #advise(): string {
    const { serviceAccounts, tokenFile, oidc = [], certificates } = this.#authenticators;
    const file = serviceAccounts ? "a mounted token of the pod's ServiceAccount" : 'a file with such a token';
    const acceptsTokens = serviceAccounts || tokenFile || oidc.length > 0;
    return [
      ...(acceptsTokens ? [`KPLUG_TOKEN_FILE to ${file}`] : []),
      ...(certificates ? ['KPLUG_TLS_CERT and KPLUG_TLS_KEY to such a certificate'] : []),
    ].join(', or ');
  }

  #describeAccepted(): string[] {
    const { serviceAccounts, tokenFile, oidc = [], certificates } = this.#authenticators;
    return [
      ...(serviceAccounts ? ['tokens of ServiceAccounts of its cluster'] : []),
      ...(tokenFile ? ['tokens made by `kplug token create`'] : []),
      ...oidc.map(({ issuer }) => `tokens of ${issuer}`),
      ...(certificates ? ['client certificates'] : []),
    ];
  }
}

/** Describes credentials, without their content. */
function describeSent({ token, certificate }: Credentials): string {
  if (token === undefined) return certificate ? 'a client certificate' : 'no token and no client certificate';
  if (token.startsWith(tokenPrefix)) return 'a token made by `kplug token create`';
  const claims = readUnverifiedClaims(token);
  if (!claims) return 'a token of an unknown form';
  return claims.issuer === undefined ? 'a JWT without issuer' : `a token of the issuer ${quote(claims.issuer)}`;
}

function resultOf(error: unknown): AuthenticationResult {
  const isRefused = error instanceof RefusedRegistration && error.reason !== RefusalReason.CAPACITY;
  return isRefused ? 'refused' : 'unavailable';
}
