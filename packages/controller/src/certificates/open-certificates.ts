import { isIP } from 'node:net';
import type { Logger } from 'pino';
import { KplugError } from '../errors.ts';
import type { CertificateReader, CertificateStore } from '../resources/services/certificate-store.ts';
import { CertificateFolder } from './certificate-folder.ts';
import type { CertificateObserver, CertificateSource } from './certificate-source.ts';
import { GivenCertificates } from './given-certificates.ts';
import type { ServerNames } from './issue-certificate.ts';
import { ManagedCertificates } from './managed-certificates.ts';

/** Settings of the operator's certificates. */
export interface CertificateSettings {
  /** Service of the heartbeat port on a cluster. */
  service?: { name: string; namespace: string } | undefined;
  /** Additional DNS names and IP addresses by which plugins connect. */
  names?: readonly string[] | undefined;
  /** Secret with a certificate that another program renews, in the operator's namespace. */
  secretName?: string | undefined;
  /** Folder with the files `tls.crt`, `tls.key` and `ca.crt`, which another program renews. */
  folder?: string | undefined;
}

/** Services of an adapter, as far as certificates need them. */
export interface CertificateServices {
  certificates?: CertificateStore | undefined;
  certificateSecret?(name: string): CertificateReader;
}

/**
 * Returns the source of the operator's certificates: a folder, a Secret, or its own CA. It has to be started. Throws
 * `InvalidConfiguration`.
 */
export function openCertificates(
  { service, names = [], secretName, folder }: CertificateSettings,
  services: CertificateServices,
  parts: { log: Logger; observer?: CertificateObserver },
): CertificateSource {
  if (secretName && folder)
    throw new KplugError(
      'InvalidConfiguration',
      'a Secret and a folder with a certificate are set; remove one of them',
    );
  const extra = sortNames(names);
  const { certificates: store } = services;
  if (secretName || folder) {
    // Plugins use one name of the Service; the others are for convenience.
    const required = service ? [`${service.name}.${service.namespace}.svc`] : [];
    return new GivenCertificates({
      ...parts,
      reader: folder ? new CertificateFolder(folder) : readerOf(services, secretName ?? ''),
      publisher: store,
      names: { dns: [...required, ...extra.dns], ips: extra.ips },
    });
  }
  if (!store) {
    const message = 'these resources have no place for certificates; set a folder with a certificate instead';
    throw new KplugError('InvalidConfiguration', message);
  }
  const ofService = service ? namesOfService(service) : [];
  const own = {
    dns: [...new Set([...ofService, 'localhost', ...extra.dns])],
    ips: [...new Set(['127.0.0.1', '::1', ...extra.ips])],
  };
  return new ManagedCertificates({ ...parts, store, names: own });
}

function readerOf(services: CertificateServices, name: string): CertificateReader {
  const reader = services.certificateSecret?.(name);
  if (reader) return reader;
  const message = `the Secret "${name}" is set, but there is no cluster; set a folder with a certificate instead`;
  throw new KplugError('InvalidConfiguration', message);
}

function namesOfService({ name, namespace }: { name: string; namespace: string }): string[] {
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
}

const dnsName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

function sortNames(names: readonly string[]): ServerNames {
  const ips = names.filter((name) => isIP(name));
  const dns = names.filter((name) => !isIP(name)).map((name) => name.toLowerCase());
  const malformed = dns.find((name) => !dnsName.test(name) || name.length > 253);
  if (malformed === undefined) return { dns, ips };
  const message = `"${malformed}" is neither a DNS name nor an IP address; correct the names of the certificate`;
  throw new KplugError('InvalidConfiguration', message);
}
