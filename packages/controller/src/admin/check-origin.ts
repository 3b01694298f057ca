import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';
import type { Denial } from './deny-request.ts';

/** Names by which a port may be addressed. */
export interface HostRules {
  /** True for a port of the loopback interface, which only this machine reaches by its own name. */
  isLoopback: boolean;
  /** Further names, in lower case. */
  names: ReadonlySet<string>;
}

/** Top-level names that nobody can register, so that no page of another site is served under one. */
const privateSuffix = /(^|\.)(localhost|local|internal|svc|home\.arpa)$/;

/** Content types that a page of another site can send without the server's consent. */
const formTypes = new Set(['', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']);

/**
 * Checks that a request doesn't come from a web page of another site: not from a name that an attacker pointed to this address (DNS
 * rebinding), not from another origin, and not from a form.
 */
export function checkOrigin(
  { method = '', headers }: { method?: string | undefined; headers: IncomingHttpHeaders },
  rules: HostRules,
): Denial | undefined {
  // HTTP/2 names the host in :authority, and may have both.
  const hosts = [headers[':authority'], headers.host].filter((host) => host !== undefined).map(String);
  if (hosts.length === 0) return { status: 400, message: 'the request has no Host header' };
  for (const host of hosts) {
    if (isAllowedHost(host, rules)) continue;
    const shown = JSON.stringify(host.slice(0, 100));
    const message = `host ${shown} is not allowed; use an IP address or localhost, or allow the name with --admin-host`;
    return { status: 403, message };
  }
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  const isForeign = origin !== undefined && !hosts.includes(hostOfOrigin(origin)) && !isNamed(origin, rules);
  // Browsers send no Origin with images and scripts, but say that these are for a page of another site.
  if (isForeign || (site === 'cross-site' && origin === undefined && mode !== 'navigate')) {
    return { status: 403, message: 'requests of pages of other origins are not allowed' };
  }
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';', 1);
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method) && formTypes.has(type.trim())) {
    return { status: 415, message: 'the content type must be application/json, or one of Connect, gRPC or gRPC-Web' };
  }
  return undefined;
}

function isAllowedHost(host: string, { isLoopback, names }: HostRules): boolean {
  const name = nameOf(host);
  if (name === undefined) return false;
  if (name === 'localhost' || name === '127.0.0.1' || name === '::1' || names.has(name)) return true;
  if (isLoopback) return false;
  return (
    isIPv4(name) || isIPv6(name) || !name.includes('.') || privateSuffix.test(name) || name.endsWith('.cluster.local')
  );
}

/** Returns the name of a `Host` header, in lower case, without port and trailing dot; `undefined` if it is malformed. */
function nameOf(host: string): string | undefined {
  const [, ipv6, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (ipv6 ?? name)?.toLowerCase().replace(/\.$/, '');
}

function hostOfOrigin(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

function isNamed(origin: string, { names }: HostRules): boolean {
  return URL.canParse(origin) && names.has(new URL(origin).hostname);
}

/** Headers of all answers: no other site may embed or interpret them. */
export const protectiveHeaders = {
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;
