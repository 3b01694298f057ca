import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { KplugError } from '../errors.ts';
import { parseAddress } from '../registry/address.ts';
import type { DeclaredTls, Registration } from '../registry/registration.ts';
import type { CertificateSource } from './certificate-source.ts';
import { explainTlsFailure } from './explain-tls-failure.ts';
import { type KeyPair, readCertificates, type Validity, validityOf } from './read-certificate.ts';

/** Plugin that is called: a registration, or an address that a user declared. */
export type CallTarget = Pick<Registration, 'address'> & Partial<Registration>;

/** Credentials and channel options for a plugin. */
export interface PluginChannel {
  credentials: grpc.ChannelCredentials;
  options: grpc.ClientOptions;
  /** Time at which a certificate of the connection expires, in milliseconds since the epoch; infinite for plain text. */
  expiresAt: number;
  /** Returns the reason why a connection failed, for people, given the text of grpc-js. */
  explain(failure: string): string;
}

/** Opens channels to plugins: TLS wherever the plugin has a certificate, and plain text only where that is allowed. */
export interface PluginSecurity {
  /** Returns the credentials for a plugin. Throws `PluginUnavailable` when it may not be called, with the reason. */
  channelTo(target: CallTarget): PluginChannel;
}

/** Options of `PluginChannels`. */
export interface PluginChannelsOptions {
  /** Certificates of the operator. Without them, plugins with a certificate can't be called. */
  certificates?: CertificateSource | undefined;
  /** Decides whether a plugin without a certificate is called, in plain text. Default: always. */
  allowsPlainText?: ((target: CallTarget) => boolean) | undefined;
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
}

/** Name that is sent as SNI to an address without a name. TLS allows no IP address there. */
const nameOfAddresses = 'plugin.kplug.dev';

/** The one place that decides how plugins are called. */
export class PluginChannels implements PluginSecurity {
  readonly #certificates: CertificateSource | undefined;
  readonly #allowsPlainText: (target: CallTarget) => boolean;
  readonly #now: () => number;

  constructor({ certificates, allowsPlainText = () => true, now = Date.now }: PluginChannelsOptions = {}) {
    this.#certificates = certificates;
    this.#allowsPlainText = allowsPlainText;
    this.#now = now;
  }

  channelTo(target: CallTarget): PluginChannel {
    const { certificate, declaration } = target;
    if (certificate !== undefined) return this.#openRegistered(target.target ?? target.address, certificate);
    if (declaration?.tls) return this.#openDeclared(target.address, declaration.tls);
    if (declaration?.insecure || this.#allowsPlainText(target)) return plainText;
    throw unavailable(
      declaration
        ? 'its declaration has no CA to verify it by; set tls.caBundle there, or insecure: true to call it in plain text'
        : 'it registered no certificate, and this controller calls no plugin in plain text; give it the CA of the operator (KPLUG_TLS_CA), ' +
            'or start the operator with --insecure',
    );
  }

  /** Trusts exactly the certificate that the plugin registered. */
  #openRegistered(address: string, registered: string): PluginChannel {
    const certificate = new X509Certificate(Buffer.from(registered, 'base64'));
    const validity = validityOf(certificate);
    this.#checkValidity(validity);
    return this.#open(address, certificate.toString(), validity.notAfter, 'registered', (_, presented) =>
      presented.raw.equals(certificate.raw) ? undefined : new Error(otherCertificate),
    );
  }

  /** Trusts the CAs of the declaration, and the name that it expects. */
  #openDeclared(address: string, { caBundle, serverName }: DeclaredTls): PluginChannel {
    checkBundle(caBundle);
    const name = serverName ?? parseAddress(address)?.host ?? address;
    return this.#open(address, caBundle, Number.POSITIVE_INFINITY, 'declared', (_, presented) =>
      checkServerIdentity(name, presented),
    );
  }

  #open(
    address: string,
    ca: string,
    expiresAt: number,
    trust: 'registered' | 'declared',
    check: (name: string, presented: PeerCertificate) => Error | undefined,
  ): PluginChannel {
    const caller = this.#certificates?.caller();
    if (!caller && trust === 'registered')
      throw unavailable('it is called by TLS only, and this controller has no certificates; set them up');
    const context = createContext(ca, caller);
    const host = parseAddress(address)?.host ?? '';
    const [leaf] = caller ? readCertificates(caller.cert) : [];
    return {
      credentials: grpc.credentials.createFromSecureContext(context, { checkServerIdentity: check }),
      options: isIP(host) ? { 'grpc.ssl_target_name_override': nameOfAddresses } : {},
      expiresAt: Math.min(expiresAt, leaf ? validityOf(leaf).notAfter : expiresAt),
      explain: (failure) => explainTlsFailure(failure, trust),
    };
  }

  #checkValidity({ notBefore, notAfter }: Validity): void {
    const now = this.#now();
    if (now >= notAfter) {
      throw unavailable(
        `its certificate expired at ${new Date(notAfter).toISOString()}; renew it, or restart the plugin`,
      );
    }
    if (now < notBefore) {
      const at = new Date(notBefore).toISOString();
      throw unavailable(`its certificate is not valid before ${at}; check the clocks of both machines`);
    }
  }
}

/** Reason for a server that holds the address of a plugin, but not its key. */
export const otherCertificate = 'it presents another certificate than the one it registered';

const plainText: PluginChannel = {
  credentials: grpc.credentials.createInsecure(),
  options: {},
  expiresAt: Number.POSITIVE_INFINITY,
  explain: (failure) => failure,
};

function createContext(ca: string, caller: KeyPair | undefined) {
  // The trusted certificate may be one that a CA issued, which isn't trusted itself.
  return createSecureContext({ ca, ...caller, minVersion: 'TLSv1.3', allowPartialTrustChain: true });
}

function checkBundle(caBundle: string): void {
  try {
    if (readCertificates(caBundle).length > 0) return;
  } catch {
    // Reported below, as a bundle without certificates.
  }
  throw unavailable('tls.caBundle of its declaration has no certificates that can be read; write them as PEM');
}

function unavailable(reason: string): KplugError {
  return new KplugError('PluginUnavailable', reason);
}
