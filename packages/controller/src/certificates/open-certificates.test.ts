import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addCertificateGauges, countCertificates } from '../controller-gauges.ts';
import type { CertificateData, CertificateStore } from '../resources/services/certificate-store.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type CertificateSettings, openCertificates } from './open-certificates.ts';
import { namesOf } from './read-certificate.ts';

const log = pino({ level: 'silent' });

/** Store in memory that may lose what is written. */
function memoryStore({ forgets = false } = {}): CertificateStore {
  let stored: { data: CertificateData; version: string } | undefined;
  return {
    place: 'memory',
    read: async () => stored,
    write: async (data, version) => {
      if (stored?.version !== version) return 'conflict';
      stored = { data: forgets ? { ...data, 'server.crt': '' } : data, version: `${Number(version ?? 0) + 1}` };
      return 'written';
    },
    publish: async (bundle) => {
      await bundle();
      return 'published';
    },
  };
}

async function start(settings: CertificateSettings, store = memoryStore()) {
  const metrics = new Metrics();
  const source = openCertificates(settings, { certificates: store }, { log, observer: countCertificates(metrics) });
  addCertificateGauges(metrics, source);
  onTestFinished(() => source.stop());
  await source.start();
  return { source, metrics };
}

describe("the operator's certificates", () => {
  it('have all names of its Service, of this machine, and the given ones', async () => {
    const { source } = await start({
      service: { name: 'kplug', namespace: 'system' },
      names: ['*.Example.org', '10.0.0.7', 'localhost', 'fd00::1'],
    });
    expect(namesOf(new X509Certificate(source.current().cert))).toEqual([
      'DNS:kplug',
      'DNS:kplug.system',
      'DNS:kplug.system.svc',
      'DNS:kplug.system.svc.cluster.local',
      'DNS:localhost',
      'DNS:*.example.org',
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:10.0.0.7',
      'IP Address:FD00:0:0:0:0:0:0:1',
    ]);
  });

  it('are issued again when a name is added', async () => {
    const store = memoryStore();
    const { source } = await start({}, store);
    const { source: same } = await start({}, store);
    expect(same.current()).toEqual(source.current());
    const { source: other } = await start({ names: ['kplug.example.org'] }, store);
    expect(other.current()).not.toEqual(source.current());
    expect(other.caller()).toEqual(source.caller());
    expect(other.caBundle()).toEqual(source.caBundle());
  });

  it('are measured', async () => {
    const { source, metrics } = await start({});
    const text = await metrics.registry.metrics();
    for (const { certificate, notAfter } of source.expiries()) {
      expect(text).toContain(
        `kplug_certificate_expiration_timestamp_seconds{certificate="${certificate}"} ${notAfter / 1_000}`,
      );
      expect(text).toContain(`kplug_certificate_renewals_total{certificate="${certificate}"} 1`);
    }
  });

  it('fail with an error when the store returns something else than was written', async () => {
    await expect(start({}, memoryStore({ forgets: true }))).rejects.toThrow(/are not those that were written there/);
  });

  it.each<[CertificateSettings, string]>([
    [{ names: ['not a name'] }, '"not a name" is neither a DNS name nor an IP address'],
    [{ names: ['a_b'] }, '"a_b" is neither a DNS name nor an IP address'],
    [{ secretName: 'tls' }, 'the Secret "tls" is set, but there is no cluster'],
    [{ secretName: 'tls', folder: '/tls' }, 'remove one of them'],
  ])('are refused for %j', async (settings, message) => {
    await expect(start(settings)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(message) as string,
    });
  });
});
