import type { TLSSocket } from 'node:tls';

/** URI in the certificate with which the operator calls plugins. */
const callerUri = 'kplug://caller';

/** Object id of the extended key usage for TLS clients. */
const clientAuthUsage = '1.3.6.1.5.5.7.3.2';

/**
 * Returns why a TLS client is not the operator's caller; `undefined` if it is. A certificate of the operator's CA is not enough: its
 * heartbeat server, and others if the CA is shared, have one too.
 */
export function problemOfCaller(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return 'it has no certificate';
  // A resumed session would be believed without its certificate being verified again.
  if (socket.isSessionReused()) return 'it resumed an earlier session';
  if (!socket.authorized) return `its certificate is not valid for the CA bundle: ${socket.authorizationError}`;
  if (!certificate.keyUsage?.includes(clientAuthUsage)) return 'its certificate is not for clients (clientAuth)';
  if (!urisOf(certificate.subjectAltName).includes(callerUri)) return `its certificate lacks the URI ${callerUri}`;
  return undefined;
}

/** Returns the URIs of a subject alternative name, as Node.js writes it: commas in names are escaped. */
export function urisOf(subjectAltName = ''): string[] {
  const names = subjectAltName.split(', ');
  return names.filter((name) => name.startsWith('URI:')).map((name) => name.slice('URI:'.length));
}
