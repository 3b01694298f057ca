import { X509Certificate } from 'node:crypto';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Registration as RegistrationMessage } from '@kplug/protocol';
import { parse } from 'semver';
import { limits, limitTable } from '../limits/limits.ts';
import { AddressChecker, type AddressPolicy } from './address-checker.ts';
import type { LeasePolicy } from './lease-policy.ts';
import { malformed } from './refusal.ts';
import type { ImplementedApi, Lease, PodReference, ProvidedCapability, Registration } from './registration.ts';
import { checkBounds } from './registration-bounds.ts';

const { maxInstanceIdLength, maxCertificateSize } = limits.registry;
const { value: defaultWeight, max: maxWeight } = limitTable.registry.weight;
const idAdvice = `an id of at most ${maxInstanceIdLength} characters that no other process uses`;

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Version of a capability: without spaces, commas and operators, which ranges have. */
const capabilityVersion = /^[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?$/;

/** Name of a pod: a DNS subdomain. */
const podName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Reads and checks registrations. */
export class RegistrationReader {
  readonly #leases: LeasePolicy;
  readonly #addresses: AddressChecker;

  constructor(leases: LeasePolicy, addresses: AddressPolicy = {}) {
    this.#leases = leases;
    this.#addresses = new AddressChecker(addresses);
  }

  /**
   * Reads a registration. Throws `RefusedRegistration`, whose message names the field and the remedy.
   *
   * @param peer host that the message came from.
   * @param isHosted true for a process that the controller started itself, on its own machine.
   */
  read(message: RegistrationMessage, peer: string, isHosted = false): Registration {
    const { plugin, version, apis, address, instanceId, weight = defaultWeight, labels, pod } = message;
    checkBounds(message);
    if (!name.test(plugin)) throw malformed('plugin', plugin, 'a name such as PostgreSQL');
    if (!parse(version) || version !== version.trim())
      throw malformed('version', version, 'a semantic version such as 1.2.0');
    if (apis.length === 0) throw malformed('apis', '', 'at least one plugin API');
    if (instanceId.length === 0) throw malformed('instance_id', instanceId, idAdvice);
    if (weight > maxWeight) throw malformed('weight', String(weight), `a number from 0 to ${maxWeight}`);
    return {
      plugin,
      version,
      apis: apis.map(readApi),
      address: this.readAddress(address, peer, isHosted),
      instanceId,
      protocol: 'kplug.v1',
      weight,
      labels,
      lease: this.#leases.grant(readRequested(message)),
      ...(pod && { pod: readPod(pod) }),
      ...(message.certificate.length > 0 && { certificate: readCertificate(message.certificate) }),
    };
  }

  /** Checks an address, and completes it with the host of the peer if it has none. Throws `RefusedRegistration`. */
  readAddress(text: string, peer: string, isHosted = false): string {
    return this.#addresses.read(text, peer, isHosted);
  }

  /**
   * Resolves an address that was read, so that it is connected to without another look-up. Rejects with `RefusedRegistration` if it has
   * no address, or one to which no plugin is called.
   */
  resolveAddress(address: string, peer: string, isHosted = false): Promise<string> {
    return this.#addresses.resolve(address, peer, isHosted);
  }
}

/** Reports whether a message equals a known registration, so that it needn't be read again. */
export function isUnchanged(message: RegistrationMessage, known: Registration): boolean {
  const { plugin, version, weight, address, apis, labels, interval, ttl, pod } = message;
  return (
    // Only granted times are stored, not requested ones.
    !interval &&
    !ttl &&
    known.protocol === 'kplug.v1' &&
    plugin === known.plugin &&
    version === known.version &&
    (weight ?? defaultWeight) === known.weight &&
    (address === known.address || (address.startsWith(':') && known.address.endsWith(address))) &&
    isSameRecord(labels, known.labels) &&
    isSameCertificate(message.certificate, known.certificate) &&
    // A proven pod replaces the reported one.
    (!pod || (pod.name === known.pod?.name && pod.namespace === known.pod.namespace)) &&
    apis.length === known.apis.length &&
    apis.every((api, index) => isUnchangedApi(api, known.apis[index]))
  );
}

function isUnchangedApi(api: RegistrationMessage['apis'][number], known: ImplementedApi | undefined): boolean {
  if (api.name !== known?.name || api.version !== known.version.raw) return false;
  const { extensionKinds, capabilities } = known;
  if (api.extensionKinds.length !== extensionKinds.length) return false;
  for (const [index, { kind, group }] of api.extensionKinds.entries()) {
    if (kind !== extensionKinds[index]?.kind || group !== extensionKinds[index]?.group) return false;
  }
  return isSameRecord(api.capabilities, capabilities) && isSameProvided(api.provides, known.provides);
}

function isSameProvided(a: readonly ProvidedCapability[], b: readonly ProvidedCapability[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ category, type, versions }, index) => {
      const other = b[index];
      return other?.category === category && other.type === type && versions.join() === other.versions.join();
    })
  );
}

function isSameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function readApi({
  name: apiName,
  version,
  extensionKinds,
  capabilities,
  provides,
}: RegistrationMessage['apis'][number]): ImplementedApi {
  if (!name.test(apiName)) throw malformed('apis.name', apiName, 'a name such as DatabaseTable');
  const parsed = parse(version);
  if (!parsed) throw malformed(`apis[${apiName}].version`, version, 'a semantic version such as 1.0.0');
  for (const { kind } of extensionKinds) {
    if (!kind) throw malformed(`apis[${apiName}].extension_kinds`, '', 'a kind in each entry');
  }
  return {
    name: apiName,
    version: parsed,
    extensionKinds: extensionKinds.map(({ group, kind }) => ({ group, kind })),
    capabilities: { ...capabilities },
    provides: readProvided(provides, `apis[${apiName}].provides`),
  };
}

function readProvided(provides: readonly ProvidedCapability[], field: string): ProvidedCapability[] {
  const known = new Set<string>();
  return provides.map(({ category, type, versions }) => {
    for (const part of [category, type]) {
      if (!name.test(part)) throw malformed(field, part, 'a category and a type such as database and postgresql');
    }
    const key = `${category}/${type}`.toLowerCase();
    if (known.has(key)) throw malformed(field, `${category}/${type}`, 'each category and type once');
    known.add(key);
    if (versions.length === 0) throw malformed(field, `${category}/${type}`, 'at least one version for each type');
    for (const version of versions) {
      if (!capabilityVersion.test(version)) throw malformed(field, version, 'versions such as 17 or 10.11');
    }
    return { category, type, versions: [...new Set(versions)] };
  });
}

function readPod({ namespace, name: pod }: NonNullable<RegistrationMessage['pod']>): PodReference {
  for (const part of [namespace, pod]) {
    if (!podName.test(part)) throw malformed('pod', `${namespace}/${pod}`, 'the namespace and the name of a pod');
  }
  return { namespace, name: pod };
}

function readCertificate(der: Uint8Array): string {
  try {
    if (der.length <= maxCertificateSize) return new X509Certificate(der).raw.toString('base64');
  } catch {
    // Reported below, as any other content that is no certificate.
  }
  throw malformed(
    'certificate',
    `${der.length} bytes`,
    `an X.509 certificate (DER) of at most ${maxCertificateSize} bytes`,
  );
}

function isSameCertificate(der: Uint8Array, known = ''): boolean {
  return Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64') === known;
}

function readRequested({ interval, ttl }: RegistrationMessage): Partial<Lease> {
  const requested: Partial<Lease> = {};
  if (interval) requested.interval = durationMs(interval);
  if (ttl) requested.ttl = durationMs(ttl);
  for (const [field, value] of Object.entries(requested)) {
    if (!(value > 0)) throw malformed(field, `${value} ms`, 'a time greater than zero, or nothing');
  }
  return requested;
}
