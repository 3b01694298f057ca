import { KplugError } from '../errors.ts';

/** Reports whether a host is the loopback interface. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Parses the URL of an OIDC issuer. Throws `InvalidConfiguration` unless it is an https URL without user, query and fragment. Plain http is
 * accepted for the loopback interface only, as whoever can change the response decides who is authenticated.
 */
export function parseIssuer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  if (url && isSecure && !url.username && !url.password && !url.search && !url.hash) return url;
  const message = `The OIDC issuer "${text}" is not valid; use an https URL without user, query and fragment, exactly as in the claim iss.`;
  throw new KplugError('InvalidConfiguration', message);
}

/** Returns the URL of the discovery document of an issuer (OpenID Connect Discovery 1.0, section 4). */
export function discoveryUrl(issuer: URL): URL {
  return new URL(`${issuer.href.replace(/\/$/, '')}/.well-known/openid-configuration`);
}

/**
 * Parses the URL of an issuer's keys. The discovery document comes from the issuer itself, so any https host is accepted; plain http only
 * from an issuer on the loopback interface. Throws if it isn't one.
 */
export function parseKeysUrl(text: unknown, issuer: URL): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && (!isLoopback(url) || isLoopback(issuer))) return url;
  if (url?.protocol === 'http:' && isLoopback(url) && isLoopback(issuer)) return url;
  throw new Error("the jwks_uri of the issuer's discovery document is not an https URL");
}
