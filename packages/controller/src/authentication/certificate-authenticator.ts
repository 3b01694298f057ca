import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { WatchedFile } from '../files/watched-file.ts';
import { limits } from '../limits/limits.ts';
import type { Authenticator, Credentials, Proof } from './authenticator.ts';
import { authorityFault, type Certificate, readCertificate, verifyChain } from './certificate-chain.ts';
import { certificateName } from './certificate-name.ts';
import { CheckLimits } from './check-limits.ts';
import { type Check, ProofCache } from './proof-cache.ts';
import { unauthenticated } from './refusals.ts';

const { verificationInterval, maxFileSize, scanInterval, settleTime } = limits.authentication;

/** Options of the authentication by client certificates. */
export interface CertificateOptions {
  /** PEM file with the certificates of the accepted CAs. It is read again when it changes. */
  file: string;
  logger: Logger;
}

/**
 * Authenticates holders of client certificates whose chain ends at a CA of a bundle. Revocation lists aren't read: use certificates that
 * live for hours, as SPIFFE does, or remove the CA.
 */
export class CertificateAuthenticator implements Authenticator {
  readonly #bundle: WatchedFile<readonly Certificate[]>;
  readonly #limits = new CheckLimits();
  /** Proofs by the current bundle. */
  #proofs = new ProofCache(verificationInterval, this.#limits);

  private constructor(bundle: WatchedFile<readonly Certificate[]>) {
    this.#bundle = bundle;
  }

  /** Reads the bundle. Rejects with `InvalidConfiguration`. */
  static async open({ file, logger }: CertificateOptions): Promise<CertificateAuthenticator> {
    const bundle = await WatchedFile.open({
      path: file,
      parse: (text) => parseBundle(text, file),
      ...{ maxSize: maxFileSize, scanInterval, settleTime },
      onProblem: (problem) => {
        if (problem) logger.error(`the accepted CAs stay as they were, as their file can't be used: ${problem}`);
        else logger.info(`the accepted CAs are those of ${file} again`);
      },
      onChange: ({ length }) => {
        authenticator.#forget();
        logger.info({ authorities: length }, `read ${file} again, as it has changed`);
      },
    });
    const authenticator = new CertificateAuthenticator(bundle);
    return authenticator;
  }

  recall(credentials: Credentials): Proof | undefined {
    const { certificate } = credentials;
    return certificate && this.#proofs.recall(digestOf(credentials), this.#checkOf(credentials));
  }

  async authenticate(credentials: Credentials, peer = ''): Promise<Proof> {
    return this.#proofs.prove(digestOf(credentials), this.#checkOf(credentials), peer);
  }

  close(): Promise<void> {
    return this.#bundle.close();
  }

  /** Has all certificates verified again, by the new bundle. */
  #forget(): void {
    this.#proofs = new ProofCache(verificationInterval, this.#limits);
  }

  #checkOf({ certificate: leaf, intermediates = [] }: Credentials): Check {
    return async () => {
      if (!leaf) throw unauthenticated('no client certificate was sent');
      const { certificate, endsAt } = verifyChain(leaf, intermediates, this.#bundle.value);
      return { identity: { kind: 'certificate', name: certificateName(certificate.parsed) }, endsAt };
    };
  }
}

function digestOf({ certificate, intermediates = [] }: Credentials): string {
  const hash = createHash('sha256');
  for (const one of [certificate ?? Buffer.alloc(0), ...intermediates]) hash.update(`${one.length}:`).update(one);
  return hash.digest('base64');
}

/** Parses a PEM bundle. Throws with the line of what is wrong. */
function parseBundle(text: string, file: string): readonly Certificate[] {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  const authorities = blocks.map(({ 0: pem, 1: label = '', index }) => {
    const line = text.slice(0, index).split('\n').length;
    if (label !== 'CERTIFICATE') throw new Error(`${file}:${line}: a ${label} is not a certificate; remove it`);
    return parseAuthority(pem, `${file}:${line}`);
  });
  if (authorities.length === 0) throw new Error(`${file} has no certificate in PEM`);
  return authorities;
}

function parseAuthority(pem: string, place: string): Certificate {
  let certificate: Certificate;
  try {
    certificate = readCertificate(pem);
  } catch (cause) {
    throw new Error(`${place}: the certificate can't be read`, { cause });
  }
  const fault = authorityFault(certificate);
  if (fault) throw new Error(`${place}: the certificate ${fault}`);
  return certificate;
}
