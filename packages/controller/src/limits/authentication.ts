import { bytes, characters, count, days, hours, KiB, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the authentication of plugins. */
export const authentication = {
  maxTokenSize: bytes(16 * KiB, 'Maximum size of a token; longer ones are refused without a check.'),
  maxProofs: count(
    50_000,
    'Maximum number of accepted tokens and certificates in memory; the least recently used one is checked again.',
  ),
  maxRefusals: count(10_000, 'Maximum number of refused tokens and certificates in memory.'),
  refusalRetention: milliseconds(10 * seconds, 'Time for which a refused token or certificate is not checked again.'),
  reviewInterval: milliseconds(
    50 * seconds,
    'Time for which a ServiceAccount token is accepted after a TokenReview. The API server itself caches its answers for 10 s, so a revoked token is accepted for at most 60 s.',
  ),
  verificationInterval: milliseconds(
    60 * seconds,
    'Time for which any other token or certificate is accepted after a check.',
  ),
  maxIntervalJitter: milliseconds(
    3 * seconds,
    'Largest random reduction of these two times, so that the checks of plugins that started together spread out.',
  ),
  renewalTime: milliseconds(2 * seconds, 'Time that a check of a known token or certificate is expected to take.'),
  outageGracePeriod: milliseconds(
    5 * minutes,
    'Additional time for which a known token or certificate is accepted while the API server or the OIDC issuer is unreachable; it never exceeds its expiry.',
  ),
  outageRetryInterval: milliseconds(5 * seconds, 'Interval of checks of a known token or certificate in such a time.'),
  outageLogInterval: milliseconds(1 * minutes, 'Shortest interval between log lines about one such time.'),
  reviewTimeout: milliseconds(10 * seconds, 'Timeout of a TokenReview, retries included.'),
  burst: count(1_000, 'Maximum number of unknown tokens that are checked concurrently, or refused in a row.'),
  refillInterval: milliseconds(20, 'Interval after which one more unknown token may be refused after a check.'),
  peerBurst: count(50, 'The same maximum for one host.'),
  peerRefillInterval: milliseconds(1 * seconds, 'The same interval for one host.'),
  maxPeers: count(10_000, 'Maximum number of hosts that are limited separately.'),
  maxQuotedLength: characters(100, 'Maximum length of a claim or name of a refused token or certificate in a message.'),
  maxNameLength: characters(2_048, 'Maximum length of the URI of a client certificate, such as a SPIFFE id.'),
  maxTrustDomainLength: characters(255, 'Maximum length of the trust domain of a SPIFFE id.'),
  maxSubjectLength: characters(256, 'Maximum length of the subject of an OIDC token.'),
  clockTolerance: milliseconds(30 * seconds, 'Tolerance for the clocks of an OIDC issuer and of certificates.', {
    max: 5 * minutes,
    settings: ['clockTolerance'],
  }),
  issuerTimeout: milliseconds(5 * seconds, 'Timeout of a request to an OIDC issuer.'),
  maxIssuerDocumentSize: bytes(1 * MiB, 'Maximum size of the discovery document and the key set of an OIDC issuer.'),
  discoveryInterval: milliseconds(1 * hours, 'Interval after which the discovery document is read again.'),
  maxKeyAge: milliseconds(10 * minutes, 'Time for which the keys of an OIDC issuer are cached.'),
  keyCooldown: milliseconds(
    10 * seconds,
    'Shortest interval between two requests for the keys of an OIDC issuer, however many unknown keys tokens name.',
  ),
  maxFileSize: bytes(512 * KiB, 'Maximum size of a token file or a CA bundle.'),
  scanInterval: milliseconds(5 * seconds, 'Interval of regular checks of these files, for unreported changes.'),
  settleTime: milliseconds(100, 'Time that such a file must stay unchanged before it is read.'),
  rotationOverlap: milliseconds(1 * hours, 'Time for which the former token stays valid after `kplug token rotate`.', {
    min: 0,
    max: 30 * days,
    settings: ['overlap', 'kplug token rotate --overlap'],
  }),
  lockTimeout: milliseconds(10 * seconds, 'Time that `kplug token` waits while another process changes the file.'),
  lockRetryInterval: milliseconds(50, 'Interval of its attempts in that time.'),
  maxCertificateSize: bytes(16 * KiB, 'Maximum size of a client certificate, and of each intermediate certificate.'),
  maxIntermediates: count(8, 'Maximum number of intermediate certificates that a client may send.'),
  maxChainLength: count(6, 'Maximum length of a certificate chain, with the client certificate and the CA.'),
  maxSignatures: count(32, 'Maximum number of signatures that are verified for one client certificate.'),
};
