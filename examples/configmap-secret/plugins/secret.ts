import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { definePlugin, type PluginEvent } from '@kplug/sdk';

/** How long before its end a certificate is warned of, in milliseconds. */
const warning = 30 * 24 * 3_600_000;

/** How often a Secret is looked at although nothing changes, in milliseconds. */
const interval = 12 * 3_600_000;

/** The smallest keys that are no reason to warn, in bits (NIST SP 800-57, part 1, table 2: 112 bits of security). */
const least = { rsa: 2_048, ec: 224 };

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
        events.push(...remarksOnCertificate(key, certificate));
      }
      events.push(...remarksOnKey(key, privateKeyIn(text)));
    }
    const first = events[0];
    const condition = first
      ? { type: 'Sound', status: false, reason: first.reason, message: events.map(({ message }) => message).join('; ') }
      : { type: 'Sound', status: true, reason: 'NothingFound' };
    // What a Secret holds never becomes part of a status, only what is said of it.
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
    // Encrypted, or of a kind that nobody can look into here.
    return undefined;
  }
}

function remarksOnCertificate(key: string, { subject, validToDate }: X509Certificate): PluginEvent[] {
  const left = validToDate.getTime() - Date.now();
  if (left > warning) return [];
  const when = validToDate.toISOString().slice(0, 10);
  const message = `the certificate in ${key} (${subject}) ${left > 0 ? `expires on ${when}; renew it` : `has expired on ${when}`}`;
  return [{ type: 'Warning', reason: left > 0 ? 'CertificateExpiring' : 'CertificateExpired', message }];
}

function remarksOnKey(key: string, privateKey: KeyObject | undefined): PluginEvent[] {
  const { modulusLength, namedCurve } = privateKey?.asymmetricKeyDetails ?? {};
  const bits = modulusLength ?? Number(/\d{3}/.exec(namedCurve ?? '')?.[0] ?? Number.POSITIVE_INFINITY);
  const enough = modulusLength === undefined ? least.ec : least.rsa;
  if (bits >= enough) return [];
  return [
    {
      type: 'Warning',
      reason: 'WeakKey',
      message: `the private key in ${key} has ${bits} bits; use ${enough} or more`,
    },
  ];
}
