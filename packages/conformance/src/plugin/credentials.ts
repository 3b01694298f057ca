import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type PeerCertificate } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { issueAuthority, issueLeaf } from '@kplug/controller/tools';

/** Names of the suite's registry. */
const names = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };

const week = 7 * 24 * 3_600_000;

/** Key and certificate, as PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** CA of a controller, with certificates for its heartbeat port and for calls, in a folder that is removed with it. */
export class TestAuthority implements AsyncDisposable {
  /** File with the CA certificate. */
  readonly caFile: string;
  readonly server: KeyPair;
  readonly caller: KeyPair;
  readonly #folder: string;

  private constructor(folder: string, server: KeyPair, caller: KeyPair) {
    this.#folder = folder;
    this.caFile = join(folder, 'ca.crt');
    this.server = server;
    this.caller = caller;
  }

  static async create(): Promise<TestAuthority> {
    const now = Date.now();
    const ca = { ...(await issueAuthority(now)), notAfter: now + week };
    const [server, caller] = [await issueLeaf('server', ca, names, now), await issueLeaf('caller', ca, names, now)];
    const authority = new TestAuthority(await mkdtemp(join(tmpdir(), 'kplug-conformance-')), server, caller);
    await writeFile(authority.caFile, ca.cert);
    return authority;
  }

  /** Credentials of a registry with the certificate of this CA. */
  get serverCredentials(): grpc.ServerCredentials {
    const { key, cert } = this.server;
    return grpc.ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Returns the credentials of a client that accepts one certificate only. @param own client certificate; default none. */
export function pinned(certificate: string, der: Uint8Array, own?: KeyPair): grpc.ChannelCredentials {
  const context = createSecureContext({ ca: certificate, ...own, minVersion: 'TLSv1.3', allowPartialTrustChain: true });
  const isSame = (_: string, { raw }: PeerCertificate) =>
    raw.equals(der) ? undefined : new Error('it presents another certificate than it registered');
  return grpc.credentials.createFromSecureContext(context, { checkServerIdentity: isSame });
}

/** Channel option for addresses without a name, as TLS allows no IP address as the name of a server. */
export const withoutName = { 'grpc.ssl_target_name_override': 'plugin.kplug.dev' };
