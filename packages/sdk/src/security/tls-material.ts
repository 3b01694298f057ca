import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@kplug/protocol';
import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import type { KeyPair } from './own-certificate.ts';
import type { TlsSettings } from './security-settings.ts';
import { WatchedFile } from './watched-file.ts';

/** CA bundle, key and certificate that belong together. Never changed: another reading is another object. */
export interface Material extends KeyPair {
  /** CA certificates of the operator, in PEM. */
  readonly ca: Buffer;
  /** Certificate of the plugin, in DER. */
  readonly leaf: Buffer;
  /** True if key and certificate come from files, so that others can verify them. */
  readonly isIssued: boolean;
}

/** Files of a plugin with TLS. While changed files are malformed or incomplete, the last valid ones stay in use. */
export class TlsMaterial {
  readonly #ca: WatchedFile;
  readonly #files: { key: WatchedFile; certificate: WatchedFile } | undefined;
  readonly #own: KeyPair | undefined;
  readonly #log: Logger;
  /** Contents that were checked last, valid or not. */
  #checked: readonly Buffer[] = [];
  #material: Material | undefined;
  #problem = '';

  /** @param own key and certificate to use where the settings name no files. */
  constructor({ ca, files }: TlsSettings, own: KeyPair | undefined, log: Logger) {
    const { maxFileSize } = limits.security;
    this.#ca = new WatchedFile(ca, 'CA bundle (KPLUG_TLS_CA)', maxFileSize);
    this.#files = files && {
      key: new WatchedFile(files.key, 'private key (KPLUG_TLS_KEY)', maxFileSize),
      certificate: new WatchedFile(files.certificate, 'certificate (KPLUG_TLS_CERT)', maxFileSize),
    };
    this.#own = own;
    this.#log = log;
  }

  /** Reads the files. Returns the same object as long as nothing has changed; `undefined` until all files exist and are valid. */
  current(): Material | undefined {
    try {
      const { key, certificate } = this.#keyPair();
      const contents = [this.#ca.read(), key, certificate] as const;
      if (contents.every((content, index) => content === this.#checked[index])) return this.#material;
      this.#checked = contents;
      this.#material = validate(contents, this.#files !== undefined);
      this.#problem = '';
    } catch (error) {
      this.#report(messageOf(error));
    }
    return this.#material;
  }

  #keyPair(): KeyPair {
    if (this.#files) return { key: this.#files.key.read(), certificate: this.#files.certificate.read() };
    if (this.#own) return this.#own;
    throw new Error('the plugin has no certificate');
  }

  /** Logs a problem once. */
  #report(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const consequence = this.#material
      ? 'using the previous content'
      : 'the plugin registers, and accepts calls, as soon as it is there';
    this.#log.warn(`${problem}; ${consequence}`);
  }
}

function validate([ca, key, certificate]: readonly [Buffer, Buffer, Buffer], isIssued: boolean): Material {
  const bundle = String(ca).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (bundle.length === 0) throw new Error('the CA bundle (KPLUG_TLS_CA) has no certificate in PEM');
  for (const one of bundle) parse(() => new X509Certificate(one), 'the CA bundle (KPLUG_TLS_CA)');
  const leaf = parse(() => new X509Certificate(certificate), 'the certificate (KPLUG_TLS_CERT)');
  const privateKey = parse(() => createPrivateKey(key), 'the private key (KPLUG_TLS_KEY)');
  if (!leaf.checkPrivateKey(privateKey))
    throw new Error('the private key (KPLUG_TLS_KEY) does not belong to the certificate (KPLUG_TLS_CERT)');
  // OpenSSL refuses what it considers too weak.
  parse(() => createSecureContext({ ca, key, cert: certificate }), 'the certificate (KPLUG_TLS_CERT)');
  return { ca, key, certificate, leaf: leaf.raw, isIssued };
}

function parse<T>(read: () => T, description: string): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${description} can't be used: ${messageOf(error)}`, { cause: error });
  }
}
