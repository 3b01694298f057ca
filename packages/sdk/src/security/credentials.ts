import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { limits } from '../limits.ts';
import type { Material, TlsMaterial } from './tls-material.ts';
import type { TokenSource } from './token-source.ts';

/** Proofs of a plugin for one connection to its controller, and means to verify the controller. Never changed. */
export interface Credentials {
  readonly channel: grpc.ChannelCredentials;
  readonly options: grpc.ChannelOptions;
  /** Metadata of each call: the secret of the instance, and its token. */
  readonly metadata: grpc.Metadata;
  /** Certificate to register (DER); missing for a plugin without TLS. */
  readonly certificate?: Buffer;
}

/** Credentials, made again when a file of them changes. */
export class CredentialSource {
  readonly #token: TokenSource;
  readonly #tls: { material: TlsMaterial; serverName: string } | undefined;
  /** Proves that later messages come from the process that registered the instance. */
  readonly #secret = randomBytes(limits.security.secretSize).toString('base64url');
  #current: { token: string | undefined; material: Material | undefined; credentials: Credentials } | undefined;

  /** @param tls missing for plain text. */
  constructor(token: TokenSource, tls?: { material: TlsMaterial; serverName: string }) {
    this.#token = token;
    this.#tls = tls;
  }

  /** Returns the same object as long as nothing has changed; `undefined` until all files exist. */
  current(): Credentials | undefined {
    const token = this.#token.current();
    const material = this.#tls?.material.current();
    if (this.#token.isNeeded && token === undefined) return undefined;
    if (this.#tls && !material) return undefined;
    if (!this.#current || token !== this.#current.token || material !== this.#current.material)
      this.#current = { token, material, credentials: this.#create(token, material) };
    return this.#current.credentials;
  }

  #create(token: string | undefined, material: Material | undefined): Credentials {
    const metadata = new grpc.Metadata();
    metadata.set('kplug-secret', this.#secret);
    if (token) metadata.set('authorization', `Bearer ${token}`);
    if (!this.#tls || !material) return { channel: grpc.credentials.createInsecure(), options: {}, metadata };
    const { serverName } = this.#tls;
    const { ca, key, certificate, leaf, isIssued } = material;
    // Nobody but the controller that called the plugin could verify a certificate made in memory.
    const context = createSecureContext({ ca, ...(isIssued && { key, cert: certificate }), minVersion: 'TLSv1.3' });
    const channel = grpc.credentials.createFromSecureContext(context, {
      checkServerIdentity: (_, received) => checkServerIdentity(serverName, received),
    });
    // An IP address may not be sent as the server's name (RFC 6066).
    const options = { 'grpc.ssl_target_name_override': isIP(serverName) ? 'kplug' : serverName };
    return { channel, options, metadata, certificate: leaf };
  }
}
