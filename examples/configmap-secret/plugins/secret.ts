import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { definePlugin, type PluginEvent } from '@kplug/sdk';

/** Time before the expiry of a certificate from which on it gets a Warning, in milliseconds. */
const warningPeriod = 30 * 24 * 3_600_000;

/** Interval between checks if nothing changes, in milliseconds. */
const interval = 12 * 3_600_000;

/** Minimum sizes of keys, in bits (NIST SP 800-57, part 1, table 2: 112 bits of security). */
const minBits = { rsa: 2_048, ec: 224 };

interface Secret {
  spec?: unknown;
  data?: Record<string, string>;
}

interface Certificate {
  key: string;
  subject: string;
  notAfter: string;
}

await definePlugin<Secret>({
  name: 'SecretInspector',
  version: '1.0.0',
  api: 'Secret@1.0.0',
  reconcile({ base: { data = {} } }) {
    const certificates: Certificate[] = [];
    const events: PluginEvent[] = [];
    for (const [key, value] of Object.entries(data)) {
      const text = Buffer.from(value, 'base64').toString('utf8');
      for (const certificate of certificatesIn(text)) {
        certificates.push({ key, subject: certificate.subject, notAfter: certificate.validToDate.toISOString() });
        events.push(...checkCertificate(key, certificate));
      }
      events.push(...checkKey(key, privateKeyIn(text)));
    }
    const first = events[0];
    const condition = first
      ? { type: 'Sound', status: false, reason: first.reason, message: events.map(({ message }) => message).join('; ') }
      : { type: 'Sound', status: true, reason: 'NothingFound' };
    // The status must not have any content of the Secret.
    return { status: { certificates }, conditions: [condition], events, requeueAfter: interval };
  },
}).serve();

function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

function privateKeyIn(text: string): KeyObject | undefined {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return undefined;
  try {
    return createPrivateKey(text);
  } catch {
    // Encrypted, or of an unsupported kind.
    return undefined;
  }
}

function checkCertificate(key: string, { subject, validToDate }: X509Certificate): PluginEvent[] {
  const left = validToDate.getTime() - Date.now();
  if (left > warningPeriod) return [];
  const when = validToDate.toISOString().slice(0, 10);
  const message = `the certificate in ${key} (${subject}) ${left > 0 ? `expires on ${when}; renew it` : `expired on ${when}`}`;
  return [{ type: 'Warning', reason: left > 0 ? 'CertificateExpiring' : 'CertificateExpired', message }];
}

function checkKey(key: string, privateKey: KeyObject | undefined): PluginEvent[] {
  const { modulusLength, namedCurve } = privateKey?.asymmetricKeyDetails ?? {};
  const bits = modulusLength ?? Number(/\d{3}/.exec(namedCurve ?? '')?.[0] ?? Number.POSITIVE_INFINITY);
  const enough = modulusLength === undefined ? minBits.ec : minBits.rsa;
  if (bits >= enough) return [];
  return [
    {
      type: 'Warning',
      reason: 'WeakKey',
      message: `the private key in ${key} has ${bits} bits; use ${enough} or more`,
    },
  ];
}
