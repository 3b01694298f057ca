import { limits } from '../limits/limits.ts';
import { quote, unauthenticated } from './refusals.ts';
import { spiffeIdFault } from './spiffe-id.ts';
import { SubjectAlternativeNameExtension, type X509Certificate } from './x509.ts';

/** Scheme of the names in the operator's own certificates, which are no plugins. */
const ownScheme = /^kplug:/i;
const { maxNameLength } = limits.authentication;

/**
 * Returns the name that a client certificate proves: its URI, if it has one, else its first DNS name. Throws `RefusedRegistration` if there
 * is none, if there are several URIs, or if the name is malformed.
 */
export function certificateName(certificate: X509Certificate): string {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const uris = names.filter(({ type }) => type === 'url').map(({ value }) => value);
  const [uri] = uris;
  if (uri !== undefined) {
    const fault = uris.length > 1 ? 'is one of several URIs; a certificate may have one' : uriFault(uri);
    if (!fault) return uri;
    throw unauthenticated(`the URI ${quote(uri)} of the client certificate ${fault}; request another certificate`);
  }
  const dns = names.find(({ type }) => type === 'dns')?.value;
  if (dns !== undefined && isDnsName(dns)) return dns.toLowerCase();
  const found = dns === undefined ? 'has neither a URI nor a DNS name' : `has the malformed DNS name ${quote(dns)}`;
  const advice = 'request one with a subject alternative name, such as a SPIFFE id';
  throw unauthenticated(`the client certificate ${found}; ${advice}`);
}

function uriFault(uri: string): string | undefined {
  if (/^spiffe:/i.test(uri)) return spiffeIdFault(uri);
  if (ownScheme.test(uri)) return 'is that of an operator';
  return uri.length <= maxNameLength && /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(uri) ? undefined : 'is malformed';
}

/** Reports whether a text is a DNS name without wildcard. */
function isDnsName(text: string): boolean {
  return text.length <= 253 && /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i.test(text);
}
