// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Registration } from '@kplug/controller';
import { LeasePolicy, RegistrationReader } from '@kplug/controller/internal';
import { addService, Outcome, PluginService, RegistrationSchema } from '@kplug/protocol';
import { X509CertificateGenerator } from '@peculiar/x509';
import { onTestFinished } from 'vitest';

/** Key and certificate, as PEM. */
export interface KeyPair {
  key: string;
  cert: string;
}

/** What a plugin's server presents and trusts. */
interface Material {
  pair: KeyPair;
  /** CA bundle of the operator. */
  ca: string;
}

/** Credentials of a server that change for new connections. */
class ChangingCredentials extends grpc.ServerCredentials {
  #material: Material;

  constructor(material: Material) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, contextOf(material));
    this.#material = material;
  }

  change(change: Partial<Material>): void {
    this.#material = { ...this.#material, ...change };
    this.updateSecureContextOptions(contextOf(this.#material));
  }

  _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ pair, ca }: Material) {
  return { key: pair.key, cert: pair.cert, ca };
}

/** Makes a key with a self-signed certificate, as a plugin does at its start. @param validFor lifetime, in milliseconds. */
export async function selfSigned(now = Date.now(), validFor = 3_650 * 86_400_000): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=plugin',
    notBefore: new Date(now),
    notAfter: new Date(now + validFor),
    keys,
    signingAlgorithm: algorithm,
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  return { key: key.toString(), cert: certificate.toString('pem') };
}

/** Plugin that serves TLS, and lets in only the caller of an operator's CA. It stops with the test. */
export class TlsPlugin {
  readonly #server = new grpc.Server();
  readonly #credentials: ChangingCredentials;
  readonly instanceId: string;
  port = 0;
  /** Number of calls of `Reconcile` so far. */
  calls = 0;
  /** Callers by their certificates, as `subjectAltName`, in the order of their connections. */
  readonly callers: string[] = [];
  #pair: KeyPair;

  private constructor(instanceId: string, material: Material) {
    this.instanceId = instanceId;
    this.#pair = material.pair;
    this.#credentials = new ChangingCredentials(material);
  }

  static async serve(instanceId: string, material: Material, port = 0): Promise<TlsPlugin> {
    const plugin = new TlsPlugin(instanceId, material);
    await plugin.#serve(port);
    return plugin;
  }

  /** Serves another certificate or trusts another CA for new connections. */
  change(change: Partial<Material>): void {
    if (change.pair) this.#pair = change.pair;
    this.#credentials.change(change);
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Registration of the plugin with its certificate. @param pair certificate that it registers, if another one. */
  registration({ cert }: KeyPair = this.#pair): Registration {
    const reader = new RegistrationReader(new LeasePolicy({ interval: 60_000, ttl: 600_000 }), { allowLoopback: true });
    const message = create(RegistrationSchema, {
      plugin: 'Tls',
      version: '1.0.0',
      apis: [{ name: 'Table', version: '1.0.0' }],
      address: `127.0.0.1:${this.port}`,
      instanceId: this.instanceId,
      certificate: new X509Certificate(cert).raw,
    });
    return reader.read(message, '127.0.0.1');
  }

  async #serve(port: number): Promise<void> {
    addService(this.#server, PluginService, {
      getInfo: (_, call) => {
        const { subjectaltname } = call.getAuthContext().sslPeerCertificate ?? {};
        this.callers.push(subjectaltname ?? '');
        return {
          plugin: 'Tls',
          version: '1.0.0',
          apis: [{ name: 'Table', version: '1.0.0' }],
          instanceId: this.instanceId,
        };
      },
      reconcile: async () => {
        this.calls++;
        await new Promise((resolve) => setTimeout(resolve, 2));
        return { outcome: Outcome.SUCCESS };
      },
    });
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, this.#credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    onTestFinished(() => this.stop());
  }
}
