/** Reason for which a connection is refused, or closed by its port, with its meaning and advice for people. */
export const refusalReasons = {
  'too-many-from-peer': 'its address has the maximum number of connections; find the process there that opens so many',
  'too-many':
    'the port has the maximum number of connections; find out who opens them, or raise the limit (--max-connections of the heartbeat port) and that of file descriptors (ulimit -n)',
  'handshake-timeout':
    'it sent no complete request in time; check for port scanners, health checks by TCP, and clients that wait for the server to speak first',
  'tls-failed':
    'the TLS handshake failed; give the client TLS 1.3 and the CA of this operator (KPLUG_TLS_CA of a plugin)',
  'plain-text':
    'it sent plain text, and the port requires TLS; give the client the CA of this operator (KPLUG_TLS_CA of a plugin)',
  'wrong-protocol': 'it speaks no protocol of this port; check the address and the scheme that the client uses',
  'request-timeout':
    'it did not send or read a whole request or answer in time; check the client and the network to it',
  idle: 'it had no open request for too long; clients connect again when they need to',
  flood: 'it sent more frames, cancelled requests or input than a client needs; find the process at its address',
} as const;

export type RefusalReason = keyof typeof refusalReasons;
