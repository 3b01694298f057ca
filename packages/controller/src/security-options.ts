import type { OidcIssuer } from './authentication/oidc-authenticator.ts';

/**
 * Security of the heartbeat port. A port on the loopback interface needs none of it. Any other is reached by TLS only, and every plugin
 * must prove an identity.
 */
export interface SecurityOptions {
  /**
   * Makes TLS and identities optional, on the heartbeat port and in calls of plugins. For the time of an upgrade, or for a network that
   * everybody trusts. Default false.
   */
  insecure?: boolean;
  /** Audience of ServiceAccount tokens, on a cluster. Default `kplug`. */
  audience?: string;
  /** File of tokens, made by `kplug token create`. It is read again when it changes. Default: none. */
  tokenFile?: string;
  /** OIDC issuers whose tokens prove identities. A delegation admits their subjects by `plugins.from`. Default: none. */
  oidc?: readonly OidcIssuer[];
  /** PEM file with the CAs of client certificates that prove identities. It is read again when it changes. Default: none. */
  clientCa?: string;
  /**
   * Certificate of the heartbeat port and of calls, that another program makes: a folder with `tls.crt`, `tls.key` and `ca.crt`, or the
   * Secret of that name. It is read again when it changes. Default: the controller makes its own and a CA.
   */
  certificate?: { folder: string } | { secret: string };
  /** Name of the Service of the heartbeat port, on a cluster, in the operator's namespace. Default: none. */
  serviceName?: string;
  /** DNS names and IP addresses under which plugins reach the heartbeat port, besides the Service and `localhost`. Default: none. */
  dnsNames?: readonly string[];
}
