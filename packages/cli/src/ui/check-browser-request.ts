import type { IncomingHttpHeaders } from 'node:http';

/** Refusal of a request to the local port of `kplug ui`. */
export interface Refusal {
  status: 403 | 404;
  message: string;
}

/**
 * Checks that a request comes from the page itself, and returns its path at the operator, or the refusal. The port is open to everything
 * on this machine, so the path begins with a secret, which only those know who have the URL. A name that an attacker points to this
 * machine (DNS rebinding) and pages of other origins are refused, too.
 *
 * @param secret first part of the path.
 */
export function checkBrowserRequest(
  { url = '', headers }: { url?: string | undefined; headers: IncomingHttpHeaders },
  { port, secret }: { port: number; secret: string },
): { path: string } | Refusal {
  const { host = '', origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(host)) return { status: 403, message: `this port is for ${hosts[0]} only` };
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  // A link of another site may lead here, if it knows the secret.
  if (isForeign || (site === 'cross-site' && mode !== 'navigate')) {
    return { status: 403, message: 'requests of pages of other origins are not allowed' };
  }
  const prefix = `/${secret}`;
  if (url === prefix) return { status: 404, message: `the page is at ${prefix}/` };
  if (!url.startsWith(`${prefix}/`)) {
    return { status: 404, message: 'the page is at the URL that kplug ui printed' };
  }
  return { path: url.slice(prefix.length) };
}
