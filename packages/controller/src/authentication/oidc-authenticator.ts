import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../errors.ts';
import { seconds } from '../limits/limit.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import type { RefusedRegistration } from '../registry/refusal.ts';
import type { Authenticator, Credentials, Proof } from './authenticator.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { parseIssuer } from './issuer-url.ts';
import { OutageLog } from './outage-log.ts';
import { type Check, ProofCache } from './proof-cache.ts';
import { quote, tryAgain, unauthenticated } from './refusals.ts';
import { digestOf, refuseLargeToken } from './token-text.ts';

const { verificationInterval, maxSubjectLength } = limits.authentication;

/** Algorithms of signatures with a public key. With any other one, whoever can verify a token can also make one. */
const asymmetricAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** OIDC issuer. */
export interface OidcIssuer {
  /** URL of the issuer, exactly as in the claim `iss`. Its keys are found by its discovery document. */
  issuer: string;
  /** Audience that tokens must be for. Choose one that no other service accepts. */
  audience: string;
  /** Accepted algorithms of signatures. Default: all asymmetric ones. */
  algorithms?: readonly string[];
  /** Claim that names the subject. Default `sub`. */
  subjectClaim?: string;
  /** Tolerance for the issuer's clock, in milliseconds. Default 30,000; at most 300,000. */
  clockTolerance?: number;
  /** PEM certificates that the certificate of the issuer must chain to. Default: those of Node.js. */
  ca?: string;
}

/** Options of an `OidcAuthenticator`. */
export interface OidcOptions extends OidcIssuer {
  logger: Logger;
}

/** Authenticates the subjects of an OIDC issuer, by tokens that are signed with its keys. */
export class OidcAuthenticator implements Authenticator {
  /** Issuer, as in the claim `iss`. */
  readonly issuer: string;
  readonly #subjectClaim: string;
  readonly #tolerance: number;
  readonly #verification: JWTVerifyOptions;
  readonly #keys: IssuerKeys;
  readonly #outages: OutageLog;
  readonly #proofs = new ProofCache(verificationInterval);

  /** Throws `InvalidConfiguration`. */
  constructor(options: OidcOptions) {
    const { issuer, audience, logger, algorithms = asymmetricAlgorithms, subjectClaim = 'sub', ca } = options;
    const url = parseIssuer(issuer);
    refuseInvalid({ audience, algorithms, subjectClaim });
    this.issuer = issuer;
    this.#subjectClaim = subjectClaim;
    this.#tolerance = readLimit(limitTable.authentication.clockTolerance, options.clockTolerance);
    this.#verification = {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: this.#tolerance / seconds,
      requiredClaims: ['exp', subjectClaim],
    };
    this.#keys = new IssuerKeys(issuer, url, ca);
    this.#outages = new OutageLog(logger, `Requests to the OIDC issuer ${issuer}`);
  }

  recall({ token }: Credentials): Proof | undefined {
    if (token === undefined) return undefined;
    refuseLargeToken(token);
    return this.#proofs.recall(digestOf(token), this.#checkOf(token));
  }

  async authenticate({ token = '' }: Credentials, peer = ''): Promise<Proof> {
    refuseLargeToken(token);
    return this.#proofs.prove(digestOf(token), this.#checkOf(token), peer);
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  #checkOf(token: string): Check {
    return async () => {
      const payload = await this.#verify(token);
      const endsAt = Number(payload.exp) * seconds + this.#tolerance;
      return { identity: { kind: 'oidc', issuer: this.issuer, subject: this.#subjectOf(payload) }, endsAt };
    };
  }

  async #verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, this.#verification);
      this.#outages.succeeded();
      return payload;
    } catch (error) {
      const fault = faultOf(error);
      if (fault) throw this.#refused(fault);
      this.#outages.failed(messageOf(error));
      throw tryAgain(`the keys of the OIDC issuer ${this.issuer} can't be read now`);
    }
  }

  #subjectOf(payload: JWTPayload): string {
    const subject = payload[this.#subjectClaim];
    if (typeof subject === 'string' && subject.length <= maxSubjectLength && /^[^\p{C}\s]+$/u.test(subject))
      return subject;
    throw this.#refused(
      `its claim ${quote(this.#subjectClaim)} is not a text of 1 to ${maxSubjectLength} characters without spaces`,
    );
  }

  #refused(fault: string): RefusedRegistration {
    const { audience } = this.#verification;
    return unauthenticated(
      `the token is not accepted: ${fault}; send a current token of ${this.issuer} for the audience "${audience}"`,
    );
  }
}

/** Returns the fault of a token; `undefined` if the keys couldn't be read. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return `it expired at ${timeOf(error.payload.exp)}`;
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${quote(error.claim)} ${reasons[error.reason] ?? 'is not valid'}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no key with its key id and algorithm';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it names none of the keys of the issuer';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed';
  return error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
    ? 'it is not a signed JWT that this operator supports'
    : undefined;
}

const reasons: Record<string, string> = {
  missing: 'is missing',
  invalid: 'has a wrong type',
  check_failed: 'has another value than this operator expects',
};

function timeOf(expiry: unknown): string {
  const time = new Date(Number(expiry) * seconds);
  return Number.isNaN(time.getTime()) ? 'an invalid time' : time.toISOString();
}

function refuseInvalid({
  audience,
  algorithms,
  subjectClaim,
}: Required<Pick<OidcOptions, 'audience' | 'algorithms' | 'subjectClaim'>>): void {
  const unknown = algorithms.filter((one) => !asymmetricAlgorithms.includes(one));
  if (unknown.length > 0 || algorithms.length === 0) {
    const found = unknown.length > 0 ? `${unknown.join(', ')} can't be used` : 'none is given';
    const message = `The algorithms of OIDC tokens are not valid: ${found}; use some of ${asymmetricAlgorithms.join(', ')}.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  if (audience === '' || subjectClaim === '') {
    throw new KplugError(
      'InvalidConfiguration',
      'OIDC tokens need an audience and a subject claim; neither may be empty.',
    );
  }
}
