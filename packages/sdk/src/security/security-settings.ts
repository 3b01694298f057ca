import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { limits } from '../limits.ts';
import { PluginError } from '../plugin-error.ts';

/** Folder where the token and the CA bundle are mounted in the pod of a plugin. */
export const secretsFolder = '/var/run/secrets/kplug';

/** Settings as given, from which the security follows. */
export interface GivenSecurity {
  protocol: string;
  controller: string;
  bindAddress?: string;
  token?: string;
  tokenFile?: string;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsServerName?: string;
  insecure?: boolean;
}

/** Files and names of a plugin with TLS. */
export interface TlsSettings {
  /** Path of the operator's CA bundle. */
  ca: string;
  /** Paths of the plugin's own key and certificate; missing for those made in memory. */
  files?: { key: string; certificate: string };
  /** Name in the certificate of the operator's heartbeat service. */
  serverName: string;
}

/** Protection of heartbeats and calls: by TLS, or by none, with a warning to log. */
export type Security = { kind: 'tls'; tls: TlsSettings } | { kind: 'plain'; warning?: string };

/** Value of `controller` for a plugin that sends no heartbeats. */
export const noController = 'none';

/**
 * Derives the security of a plugin: plain text on the loopback interface, where insecure plugins are asked for, and for an operator of the
 * first Kplug, which has no TLS; otherwise TLS. Throws `InvalidDefinition` where TLS is needed and not configured.
 */
export function readSecurity(given: GivenSecurity, folder = secretsFolder): Security {
  const { protocol, controller, tlsCa, tlsCert, tlsKey, tlsServerName } = given;
  if (Boolean(tlsCert) !== Boolean(tlsKey)) throw invalid('set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither');
  const demandsTls = Boolean(tlsCa || tlsCert || tlsServerName);
  const isLocal = isLoopback(controller === noController ? (given.bindAddress ?? '') : controller);
  if (protocol === 'kplug') return v0Security(isLocal, demandsTls);
  if (given.insecure) return { kind: 'plain', warning: `KPLUG_INSECURE is set: ${unprotected}` };
  // The operator that starts a plugin itself, which its token shows, receives its heartbeats in plain text.
  const isHosted = isLocal && given.token !== undefined;
  const ca = tlsCa ?? (!isHosted && existsSync(folder) ? join(folder, 'ca.crt') : undefined);
  if (ca) return { kind: 'tls', tls: tlsSettings(given, ca) };
  if (demandsTls) throw invalid('TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA');
  if (isLocal) return { kind: 'plain' };
  const place = controller === noController ? 'the plugin sends no heartbeats' : `the operator ${controller} is remote`;
  throw invalid(
    `${place}, and calls need TLS: set KPLUG_TLS_CA to the file of the operator's CA bundle, mounted as ${join(secretsFolder, 'ca.crt')} by default; or set KPLUG_INSECURE=true for plain text, which protects neither heartbeats nor calls`,
  );
}

function v0Security(isLocal: boolean, demandsTls: boolean): Security {
  if (demandsTls) throw invalid('the first Kplug has no TLS; unset KPLUG_TLS_*, or set KPLUG_PROTOCOL to kplug.v1');
  return isLocal ? { kind: 'plain' } : { kind: 'plain', warning: `the first Kplug has no TLS: ${unprotected}` };
}

function tlsSettings({ controller, tlsCert, tlsKey, tlsServerName }: GivenSecurity, ca: string): TlsSettings {
  const serverName = tlsServerName ?? hostOf(controller);
  if (tlsCert && tlsKey) return { ca, serverName, files: { certificate: tlsCert, key: tlsKey } };
  if (controller !== noController) return { ca, serverName };
  throw invalid(
    'a plugin that sends no heartbeats can register no certificate of its own; set KPLUG_TLS_CERT and KPLUG_TLS_KEY, or KPLUG_INSECURE=true for plain text',
  );
}

/**
 * Returns the file with the plugin's token, by default the one that is mounted in its pod, if it exists. A token that is given itself
 * takes precedence over the default.
 */
export function readTokenFile({ token, tokenFile }: GivenSecurity, folder = secretsFolder): string | undefined {
  if (token && tokenFile) throw invalid('set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both');
  if (token && !/^[\x21-\x7e]+$/.test(token)) throw invalid('KPLUG_TOKEN must have visible ASCII characters only');
  const mounted = join(folder, 'token');
  return tokenFile ?? (!token && existsSync(mounted) ? mounted : undefined);
}

/** Returns the address to listen on. Without a host it is one of the interfaces on which the plugin may be called. */
export function readBindAddress(given: GivenSecurity, security: Security): string {
  const { protocol, controller, bindAddress } = given;
  const port = /^:(\d+)$/.exec(bindAddress ?? '')?.[1];
  if (bindAddress && port === undefined) {
    const isIntended = security.kind === 'tls' || security.warning !== undefined || protocol === 'kplug';
    if (isIntended || isLoopback(bindAddress)) return bindAddress;
    throw invalid(
      `the plugin would accept calls on ${bindAddress} from other machines without TLS; set KPLUG_TLS_CA, or KPLUG_INSECURE=true, or a loopback address as KPLUG_BIND_ADDRESS`,
    );
  }
  if (controller === noController) return `[::]:${port ?? limits.serving.port}`;
  const host = isLoopback(controller) ? hostOf(controller) : '::';
  // The operator calls back on the address family that the heartbeats come from. For `localhost` that is either, so it stays a name: the
  // plugin listens on every address of a name.
  const bound = host.startsWith('127.') ? '127.0.0.1' : host;
  return `${isIP(bound) === 6 ? `[${bound}]` : bound}:${port ?? 0}`;
}

const unprotected = 'heartbeats and calls are neither encrypted nor authenticated';

function isLoopback(address: string): boolean {
  return /^(localhost|127\.[0-9.]+|\[::1\]):\d+$/i.test(address);
}

function hostOf(controller: string): string {
  const authority = controller.replace(/^dns:(\/\/[^/]*\/)?\/*/, '');
  return authority.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function invalid(message: string): PluginError {
  return new PluginError('InvalidDefinition', message);
}
