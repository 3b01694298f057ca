// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** URI in the certificate with which the operator calls plugins. */
export const callerUri = 'kplug://caller';

/** Certificate and private key, in PEM. */
export interface TestCertificate {
  certificate: string;
  key: string;
  /** Certificate in DER. */
  der: Buffer;
}

/** Contents of a certificate that a test CA issues. */
export interface LeafOptions {
  /** Extended key usages; `none` for a certificate without the extension. */
  usage?: 'client' | 'server' | 'both' | 'none';
  dnsNames?: string[];
  ipAddresses?: string[];
  uris?: string[];
  /** Size of an RSA key, in bits. Default: a P-256 key. */
  keySize?: number;
  /** Start of the validity, in milliseconds from now. Default: an hour ago. */
  from?: number;
  /** End of the validity, in milliseconds from now. Default: in an hour. */
  until?: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hour = 3_600_000;

const usages = {
  client: [ExtendedKeyUsage.clientAuth],
  server: [ExtendedKeyUsage.serverAuth],
  both: [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth],
  none: [],
};

/** Certificate authority for tests, in memory, with P-256 keys as those of an operator. */
export class TestCa {
  /** Certificate in PEM, to trust. */
  readonly certificate: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.certificate = `${certificate.toString('pem')}\n`;
  }

  static async create(name = 'Kplug CA'): Promise<TestCa> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      ...validity({}),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        // OpenSSL finds the issuer among CAs of the same name by it.
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new TestCa(certificate, keys);
  }

  /** Issues the certificate with which an operator calls plugins. */
  caller(options: LeafOptions = {}): Promise<TestCertificate> {
    return this.issue({ usage: 'client', uris: [callerUri], ...options });
  }

  /** Issues the certificate of a heartbeat service on this machine. */
  server(options: LeafOptions = {}): Promise<TestCertificate> {
    return this.issue({ usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'], ...options });
  }

  async issue(options: LeafOptions): Promise<TestCertificate> {
    const { usage = 'client', dnsNames = [], ipAddresses = [], uris = [] } = options;
    const keys = await generateKeys(options.keySize);
    const names = [
      ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
      ...uris.map((value) => ({ type: 'url' as const, value })),
    ];
    const certificate = await X509CertificateGenerator.create({
      subject: [{ CN: ['leaf'] }],
      issuer: this.#certificate.subjectName,
      ...validity(options),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
        ...(usage === 'none' ? [] : [new ExtendedKeyUsageExtension(usages[usage])]),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: String(key),
      der: Buffer.from(certificate.rawData),
    };
  }
}

function generateKeys(keySize?: number): Promise<webcrypto.CryptoKeyPair> {
  if (keySize) {
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: keySize };
    return webcrypto.subtle.generateKey({ ...rsa, publicExponent: new Uint8Array([1, 0, 1]) }, true, [
      'sign',
      'verify',
    ]);
  }
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function validity({ from = -hour, until = hour }: LeafOptions): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() + from), notAfter: new Date(Date.now() + until) };
}
