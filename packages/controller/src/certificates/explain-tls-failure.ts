/** Texts of Node.js and OpenSSL for a failed handshake, with reasons for people. */
const reasons: readonly (readonly [RegExp, string, string?])[] = [
  [
    /self[- ]signed certificate|unable to (get|verify|find)|another certificate|invalid CA/i,
    'it presents another certificate than the one it registered',
    'its certificate was not issued by a CA of its declaration',
  ],
  [
    /unsuitable certificate purpose/i,
    'its certificate is not for servers; its key usage needs digitalSignature, and its extended key usage, if any, serverAuth',
  ],
  [/Hostname\/IP does not match|altnames/i, '', 'its certificate is for another name than the declared one'],
  [/certificate has expired/i, 'its certificate has expired; renew it, or restart the plugin'],
  [/certificate is not yet valid/i, 'its certificate is not valid yet; check the clocks of both machines'],
  [
    // A server that refuses the client's certificate closes the connection after the handshake of TLS 1.3.
    /^Failed to connect \(/,
    "it closed the connection right after the handshake, as it does when it refuses the operator's certificate; check that its CA bundle (KPLUG_TLS_CA) is that of this operator",
  ],
  [
    /alert (number 48|unknown ca|bad certificate|certificate (required|unknown|expired|revoked))|unknown ca|certificate required/i,
    "it refuses the operator's certificate; check that its CA bundle (KPLUG_TLS_CA) is that of this operator",
  ],
  [
    /wrong version number|packet length too long|record layer failure|EPROTO/i,
    'it serves no TLS 1.3 at its address, but must by its registration',
    'it serves no TLS 1.3 at its address, but must by its declaration',
  ],
];

/**
 * Returns the reason why a TLS connection to a plugin failed. The text of another server at the address doesn't get in.
 *
 * @param trust what the plugin's certificate is verified by: the one that it registered, or the CAs of its declaration.
 */
export function explainTlsFailure(failure: string, trust: 'registered' | 'declared'): string {
  for (const [pattern, registered, declared = registered] of reasons) {
    const reason = trust === 'registered' ? registered : declared;
    if (reason && pattern.test(failure)) return reason;
  }
  return failure;
}
