import { bytes, count, days, hours, KiB, milliseconds, minutes, percent, seconds } from './limit.ts';

/** Limits of the certificates of the operator. */
export const certificates = {
  authorityLifetime: milliseconds(365 * days, "Lifetime of the operator's CA. It is renewed after two thirds of it."),
  lifetime: milliseconds(
    30 * days,
    "Lifetime of the operator's server and caller certificates. They are renewed after two thirds of it.",
  ),
  renewalJitter: percent(
    5,
    'Largest part of its lifetime by which a certificate is renewed earlier, so that not all are renewed together.',
  ),
  backdate: milliseconds(
    1 * hours,
    'Time before its creation from which a certificate is valid, for clocks that are slow.',
  ),
  publicationTime: milliseconds(
    10 * minutes,
    'Time after the publication of a new CA until certificates of it are used. Kubelets update mounted files meanwhile.',
  ),
  checkInterval: milliseconds(
    1 * minutes,
    'Interval of checks of the stored certificates, for renewals by another operator and for publications that were changed.',
  ),
  initialBackOff: milliseconds(1 * seconds, 'Delay before the first retry of a failed check; it doubles.'),
  maxBackOff: milliseconds(1 * minutes, 'Longest delay between retries of a failed check.'),
  maxConflictAttempts: count(8, 'Maximum number of attempts to write certificates that another operator changes.'),
  maxSteps: count(20, "Maximum number of steps of a check. More mean that the store doesn't return what was written."),
  maxFileSize: bytes(256 * KiB, 'Maximum size of a file with certificates or a key.'),
  maxAuthorities: count(64, 'Maximum number of certificates in a CA bundle.'),
};
