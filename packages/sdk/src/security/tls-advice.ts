/** Reasons of OpenSSL and Node.js for not believing a certificate. */
const untrusted =
  /self-signed certificate|unable to (get|verify)|certificate (signature|is not trusted|chain)|unsuitable certificate purpose|invalid CA/;

/**
 * Returns what to do about a failed connection to the controller; `undefined` if its security isn't the cause.
 * @param serverName name expected in the controller's certificate; missing for plain text.
 */
export function adviceOn(details: string, serverName: string | undefined): string | undefined {
  if (/Protocol not secure enough/.test(details))
    return 'the operator requires TLS; set KPLUG_TLS_CA to a file with its CA bundle, and unset KPLUG_INSECURE';
  if (!serverName) return undefined;
  if (/altnames|Hostname\/IP does not match|Cert does not contain/.test(details))
    return `the operator's certificate is not for "${serverName}"; set KPLUG_TLS_SERVER_NAME to one of its names`;
  if (untrusted.test(details))
    return `the certificate for "${serverName}" was not issued by a CA of KPLUG_TLS_CA; compare the file with the CA bundle of the operator`;
  if (/certificate has expired|not yet valid/.test(details))
    return `renew the operator's certificate for "${serverName}", and check the clocks`;
  if (/wrong version number|packet length too long|unsupported protocol|protocol version/.test(details))
    return 'the operator does not speak TLS 1.3 at this address; check KPLUG_CONTROLLER, or set KPLUG_INSECURE=true for an operator without TLS';
  if (/alert certificate required|alert bad certificate|alert unknown ca|alert number/.test(details))
    return 'the operator refused the certificate of KPLUG_TLS_CERT';
  return undefined;
}

/** Returns the error of OpenSSL or Node.js in that of grpc-js: `No connection established. Last error: Error: CAUSE; HINT. Resolution note: `. */
export function causeIn(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\.? ?Resolution note:.*$/s, '')
    .replace(/; if the root CA is installed locally.*$/s, '');
}
