import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { KplugError } from '../errors.ts';
import { days } from '../limits/limit.ts';
import { CertificateSet } from './certificate-set.ts';
import { checkGiven } from './check-given.ts';
import { nextStep } from './next-step.ts';
import { readCertificates } from './read-certificate.ts';

const names = { dns: ['kplug'], ips: ['127.0.0.1'] };
const start = Date.UTC(2027, 0, 1);

let created: CertificateSet;

beforeAll(async () => {
  created = await CertificateSet.none.after({ do: 'create' }, names, start);
});

/** Reports whether something fails only as it should: with an error for people. */
function isRefusedOrRead(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof KplugError && error.code === 'InvalidConfiguration' && error.message.length < 2_000)
      return true;
    throw error;
  }
}

describe('stored certificates', () => {
  it('are read as they were written, after each step of a rotation', async () => {
    const prepared = await created.after({ do: 'prepare' }, names, start + 250 * days);
    const published = await prepared.after({ do: 'publish' }, names, start + 251 * days);
    const promoted = await published.after({ do: 'promote' }, names, start + 252 * days);
    for (const set of [created, prepared, published, promoted]) {
      const read = CertificateSet.read(set.data, 'here');
      expect(read.data).toEqual(set.data);
      expect(read.facts(names)).toEqual(set.facts(names));
    }
    expect(readCertificates(prepared.bundle)).toHaveLength(2);
    expect(published.facts(names)?.next?.publishedAt).toBe(start + 251 * days);
    // Replicas that haven't noticed the promotion still present certificates of the former CA.
    expect(readCertificates(promoted.bundle).map(({ serialNumber }) => serialNumber)).toContain(
      created.authority?.serialNumber,
    );
    const pruned = await promoted.after({ do: 'prune' }, names, start + 365 * days);
    expect(readCertificates(pruned.bundle)).toHaveLength(1);
  });

  it('need another certificate when its key, names or usage are others', () => {
    const swapped = { ...created.data, 'server.crt': created.data['caller.crt'] ?? '' };
    const wrongUse = { ...swapped, 'server.key': created.data['caller.key'] ?? '' };
    for (const data of [swapped, wrongUse]) {
      const facts = CertificateSet.read(data, 'here').facts(names);
      expect(nextStep(facts, start)).toEqual({ do: 'issue', uses: ['server'] });
    }
    const more = { dns: ['kplug', 'other'], ips: [] };
    expect(nextStep(created.facts(more), start)).toEqual({ do: 'issue', uses: ['server'] });
    expect(nextStep(created.facts(names), start).do).toBe('wait');
  });

  it('have the request of a user until their next write', async () => {
    const requested = CertificateSet.read({ ...created.data, renew: ' certificates\n' }, 'here');
    expect(nextStep(requested.facts(names), start)).toEqual({ do: 'issue', uses: ['server', 'caller'] });
    const issued = await requested.after({ do: 'issue', uses: ['server', 'caller'] }, names, start);
    expect(issued.data).not.toHaveProperty('renew');
    expect(issued.leaf('server')).not.toEqual(created.leaf('server'));
    expect(nextStep(issued.facts(names), start).do).toBe('wait');
    expect(() => CertificateSet.read({ ...created.data, renew: 'everything' }, 'the Secret a/b')).toThrow(
      'renew in the Secret a/b is neither "ca" nor "certificates"; correct or remove it',
    );
  });

  it('are read or refused, whatever they are', () => {
    const keys = fc.constantFrom(
      'ca.crt',
      'ca.key',
      'next-ca.key',
      'next-ca.published',
      'server.crt',
      'renew',
      '__proto__',
      'x',
    );
    fc.assert(
      fc.property(fc.dictionary(keys, fc.string({ maxLength: 200 })), (data) =>
        isRefusedOrRead(() => CertificateSet.read(data, 'here').facts(names)),
      ),
    );
  });

  it('are refused when any byte of a CA is damaged, so that it is not replaced', () => {
    const [ca] = readCertificates(created.bundle);
    const der = ca?.raw ?? Buffer.alloc(0);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(der);
        damaged.writeUInt8(damaged.readUInt8(at) ^ change, at);
        const pem = `-----BEGIN CERTIFICATE-----\n${damaged.toString('base64')}\n-----END CERTIFICATE-----\n`;
        expect(() => CertificateSet.read({ ...created.data, 'ca.crt': pem }, 'here')).toThrow(KplugError);
      }),
      { numRuns: 300 },
    );
  });

  it('are read or refused, with any damage', () => {
    const entries = Object.entries(created.data);
    const damage = fc.record({ entry: fc.nat(entries.length - 1), at: fc.nat(900), text: fc.string({ maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        const data = { ...created.data };
        for (const { entry, at, text } of damages) {
          const [key, whole] = entries[entry] ?? ['', ''];
          data[key as keyof typeof data] = whole.slice(0, at) + text + whole.slice(at + text.length);
        }
        const given = {
          'tls.crt': data['server.crt'] ?? '',
          'tls.key': data['server.key'] ?? '',
          'ca.crt': data['ca.crt'] ?? '',
        };
        return (
          isRefusedOrRead(() => CertificateSet.read(data, 'here').facts(names)) &&
          isRefusedOrRead(() => checkGiven(given, { place: 'here', names, now: start }))
        );
      }),
      { numRuns: 500 },
    );
  });
});
