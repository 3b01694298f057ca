import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from './x509.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

/** Certificate with its key. */
export interface KeyedCertificate {
  name: string;
  keys: CryptoKeyPair;
  der: Buffer;
  pem: string;
}

/** Properties of a certificate of a test. */
export interface CertificateChoice {
  issuer?: KeyedCertificate;
  uris?: readonly string[];
  dns?: readonly string[];
  /** Default: clientAuth for a certificate that is no CA. */
  usages?: readonly string[];
  isCa?: boolean;
  pathLength?: number;
  notBefore?: Date;
  notAfter?: Date;
  extensions?: Extension[];
}

type CryptoKeyPair = Awaited<ReturnType<typeof generatePair>>;

function generatePair() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** Makes a certificate; self-signed without an issuer. */
export async function makeCertificate(name: string, choice: CertificateChoice = {}): Promise<KeyedCertificate> {
  const { issuer, uris = [], dns = [], isCa = false, pathLength, notBefore, notAfter, extensions = [] } = choice;
  const usages = choice.usages ?? (isCa ? [] : ['1.3.6.1.5.5.7.3.2']);
  const keys = await generatePair();
  const names = [
    ...uris.map((value) => ({ type: 'url' as const, value })),
    ...dns.map((value) => ({ type: 'dns' as const, value })),
  ];
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    notBefore: notBefore ?? new Date(Date.now() - day),
    notAfter: notAfter ?? new Date(Date.now() + day),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(isCa, pathLength, true),
      new KeyUsagesExtension(isCa ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature, true),
      ...(usages.length > 0 ? [new ExtendedKeyUsageExtension([...usages])] : []),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ...extensions,
    ],
  });
  return { name, keys, der: Buffer.from(certificate.rawData), pem: certificate.toString('pem') };
}

/** Returns a text of the form of a JWT, with any claims and a signature that nobody made. */
export function forgeJwt(claims: object, header: object = { alg: 'RS256' }, signature = 'c2lnbmF0dXJl'): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

/** OIDC issuer on the loopback interface, with real keys. */
export class TestIssuer {
  readonly url: string;
  readonly keys: { kid: string; key: KeyObject; jwk: JWK }[] = [];
  /** Requested paths. */
  readonly requests: string[] = [];
  /** Replaces responses, by path. */
  readonly responses = new Map<string, { status?: number; headers?: Record<string, string>; body?: string }>();
  readonly #stop: () => void;

  private constructor(url: string, stop: () => void) {
    this.url = url;
    this.#stop = stop;
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      issuer.requests.push(path);
      const given = issuer.responses.get(path);
      response.writeHead(given?.status ?? 200, { 'content-type': 'application/json', ...given?.headers });
      response.end(given?.body ?? JSON.stringify(issuer.#documentAt(path)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = () => {
      server.closeAllConnections();
      server.close();
    };
    const issuer = new TestIssuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop);
    onTestFinished(stop);
    await issuer.addKey('first');
    return issuer;
  }

  stop(): void {
    this.#stop();
  }

  async addKey(kid: string): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.keys.push({ kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } });
  }

  /** Signs a token, by default for the audience `kplug` and for an hour. */
  sign(
    claims: Record<string, unknown> = {},
    { kid = 'first', header = {} }: { kid?: string; header?: object } = {},
  ): Promise<string> {
    const { key } = this.keys.find((one) => one.kid === kid) ?? {};
    if (!key) throw new Error(`there is no key ${kid}`);
    const now = Math.floor(Date.now() / 1_000);
    const payload = {
      iss: this.url,
      aud: 'kplug',
      sub: 'repo:example/postgresql',
      iat: now,
      exp: now + 3_600,
      ...claims,
    };
    return new SignJWT(payload).setProtectedHeader({ ...header, alg: 'ES256', kid }).sign(key);
  }

  #documentAt(path: string): object {
    if (path === '/keys') return { keys: this.keys.map(({ jwk }) => jwk) };
    return { issuer: this.url, jwks_uri: `${this.url}/keys` };
  }
}
