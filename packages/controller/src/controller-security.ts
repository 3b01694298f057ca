import type { Logger } from 'pino';
import type { ActionPolicy } from './admin/action-rights.ts';
import type { AdminSecurity } from './admin/open-admin.ts';
import type { SecurityView } from './admin/security-service.ts';
import type { AuthenticationObserver, Authenticator, Credentials, Proof } from './authentication/authenticator.ts';
import { CompositeAuthenticator } from './authentication/composite-authenticator.ts';
import type { OidcIssuer } from './authentication/oidc-authenticator.ts';
import { TokenFileAuthenticator } from './authentication/token-file-authenticator.ts';
import { TokenReviewAuthenticator } from './authentication/token-review-authenticator.ts';
import type { CertificateObserver, CertificateSource } from './certificates/certificate-source.ts';
import { openCertificates } from './certificates/open-certificates.ts';
import { type CallTarget, PluginChannels } from './certificates/plugin-channels.ts';
import type { ControllerOptions } from './controller-options.ts';
import { KplugError } from './errors.ts';
import type { HeartbeatSecurity } from './heartbeat/gate.ts';
import type { PortSecurity } from './ports/guarded-listener.ts';
import { isLoopback, parseAddress } from './registry/address.ts';
import type { SecurityOptions } from './security-options.ts';
import { parseListenAddress } from './settings/listen-address.ts';

/** Address that receives heartbeats, unless the options give another one: only processes of the same machine reach it. */
export const defaultHeartbeatAddress = 'localhost:50050';

/** Receives what happens to identities and certificates, for metrics. */
export type SecurityObserver = AuthenticationObserver & CertificateObserver;

/** Identities of plugins and encryption, as the options of a controller say. */
export class ControllerSecurity implements Authenticator {
  /** Security of the heartbeat port. */
  readonly mode: HeartbeatSecurity;
  /** Certificates of the controller; none on the loopback interface. */
  readonly certificates: CertificateSource | undefined;
  /** Decision on how plugins are called. */
  readonly channels: PluginChannels;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #observer: SecurityObserver;
  #authenticator: CompositeAuthenticator | undefined;

  /** Throws `InvalidConfiguration` if the heartbeat port is open to other machines and no plugin could prove its identity. */
  constructor(options: ControllerOptions, log: Logger, observer: SecurityObserver) {
    this.#options = options;
    this.#log = log;
    this.#observer = observer;
    const { security = {}, heartbeatAddress = defaultHeartbeatAddress } = options;
    this.mode = modeOf(security, heartbeatAddress);
    if (this.mode === 'secured' && this.ways.length === 0) {
      throw new KplugError('InvalidConfiguration', noIdentities(heartbeatAddress));
    }
    this.certificates = this.mode === 'loopback' ? undefined : this.#certificateSource(security);
    this.channels = new PluginChannels({
      certificates: this.certificates,
      allowsPlainText: (target) => this.#allowsPlainText(target),
    });
  }

  /** Ways in which plugins can prove their identities, for people. */
  get ways(): string[] {
    const { resources, security = {} } = this.#options;
    const { tokenFile, oidc = [], clientCa } = security;
    return [
      ...(resources.services?.tokens ? ['tokens of ServiceAccounts'] : []),
      ...(tokenFile === undefined ? [] : [`tokens of ${tokenFile}`]),
      ...oidc.map(({ issuer }) => `tokens of ${issuer}`),
      ...(clientCa === undefined ? [] : [`client certificates of ${clientCa}`]),
    ];
  }

  /** True if plugins of the first Kplug are accepted. */
  get allowsFirstKplug(): boolean {
    return this.#options.allowInsecurePlugins === true;
  }

  /** Encryption of the heartbeat port. */
  get port(): PortSecurity {
    const { certificates } = this;
    if (!certificates) return { mode: 'plain' };
    const isPlainAllowed = this.mode === 'insecure' || this.allowsFirstKplug;
    return { mode: isPlainAllowed ? 'either' : 'tls', tls: certificates };
  }

  /** Returns the security for users to see. */
  view(heartbeatAddress: string): SecurityView {
    const { mode, allowsFirstKplug, ways, certificates } = this;
    const isExternal = this.#options.security?.certificate !== undefined;
    return { mode, heartbeatAddress, allowsFirstKplug, ways, expiries: certificates?.expiries() ?? [], isExternal };
  }

  /** Security of the admin port: other machines are served on a cluster only, by TLS. */
  get admin(): AdminSecurity {
    const { certificates } = this;
    const { namespace, tokens, access } = this.#options.resources.services ?? {};
    const { actions } = this;
    if (!certificates) return { port: { mode: 'plain' }, namespace, tokens: undefined, access: undefined, actions };
    return { port: { mode: 'either', tls: certificates }, namespace, tokens, access, actions };
  }

  /** Who may act through the admin port. An operator of a cluster trusts no machine with it, also not its own. */
  get actions(): ActionPolicy {
    const { resources, allowActions: isEnabled = false } = this.#options;
    const { namespace, tokens, access } = resources.services ?? {};
    const actors = tokens || access ? 'cluster' : 'machine';
    return { isEnabled, actors, reviewers: tokens && access && { tokens, access, namespace } };
  }

  /** Loads the certificates, and what identities are verified by. Rejects with `InvalidConfiguration` or `StorageFailed`. */
  async start(): Promise<void> {
    this.#authenticator = await this.#openAuthenticator();
    await this.certificates?.start();
  }

  async stop(): Promise<void> {
    await this.certificates?.stop();
    await this.#authenticator?.close();
  }

  recall(credentials: Credentials): Proof | undefined {
    return this.#authenticator?.recall(credentials);
  }

  async authenticate(credentials: Credentials, peer?: string): Promise<Proof> {
    if (!this.#authenticator) throw new KplugError('Stopped', 'the controller has not started');
    return this.#authenticator.authenticate(credentials, peer);
  }

  async #openAuthenticator(): Promise<CompositeAuthenticator> {
    const { resources, security = {} } = this.#options;
    const { audience, tokenFile, oidc, clientCa } = security;
    const logger = this.#log;
    const reviewer = resources.services?.tokens;
    return new CompositeAuthenticator(
      {
        ...(reviewer && {
          serviceAccounts: new TokenReviewAuthenticator({
            reviewer,
            logger,
            ...(audience !== undefined && { audience }),
          }),
        }),
        ...(tokenFile !== undefined && { tokenFile: await TokenFileAuthenticator.open({ file: tokenFile, logger }) }),
        ...(oidc && { oidc: await this.#openIssuers(oidc) }),
        ...(clientCa !== undefined && {
          certificates: await openClientCa(clientCa, logger),
        }),
      },
      this.#observer,
    );
  }

  async #openIssuers(issuers: readonly OidcIssuer[]) {
    const { OidcAuthenticator } = await import('./authentication/oidc-authenticator.ts');
    return issuers.map((issuer) => new OidcAuthenticator({ ...issuer, logger: this.#log }));
  }

  #certificateSource({ certificate, dnsNames, serviceName }: SecurityOptions): CertificateSource {
    const { services = {} } = this.#options.resources;
    const { namespace } = services;
    return openCertificates(
      {
        ...(serviceName !== undefined && namespace !== undefined && { service: { name: serviceName, namespace } }),
        names: dnsNames,
        ...(certificate &&
          ('folder' in certificate ? { folder: certificate.folder } : { secretName: certificate.secret })),
      },
      services,
      { log: this.#log, observer: this.#observer },
    );
  }

  /** Plain text never leaves the machine, unless it was allowed in so many words. */
  #allowsPlainText({ address, target = address, protocol }: CallTarget): boolean {
    if (this.mode === 'insecure') return true;
    if (protocol === 'kplug') return this.allowsFirstKplug;
    return isLoopback(parseAddress(target)?.host ?? '');
  }
}

/** Loads the library of certificates only where it is used: that takes long. */
async function openClientCa(file: string, logger: Logger): Promise<Authenticator> {
  const { CertificateAuthenticator } = await import('./authentication/certificate-authenticator.ts');
  return CertificateAuthenticator.open({ file, logger });
}

function modeOf({ insecure = false }: SecurityOptions, heartbeatAddress: string): HeartbeatSecurity {
  if (isLoopback(parseListenAddress(heartbeatAddress, 'heartbeatAddress').host)) return 'loopback';
  return insecure ? 'insecure' : 'secured';
}

function noIdentities(address: string): string {
  return (
    `heartbeatAddress ${address} is open to other machines, and no plugin can prove its identity: give a file of tokens, an OIDC issuer or ` +
    `a CA of client certificates; or listen on ${defaultHeartbeatAddress}, for plugins of the same machine`
  );
}
