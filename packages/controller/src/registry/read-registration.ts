import { durationMs } from '@bufbuild/protobuf/wkt';
import { RefusalReason, type Registration as RegistrationMessage } from '@kplug/protocol';
import { parse } from 'semver';
import { limits, limitTable } from '../limits/limits.ts';
import { formatAddress, isLinkLocal, isLoopback, isSameAddress, isUnspecified, parseAddress } from './address.ts';
import type { LeasePolicy } from './lease-policy.ts';
import { RefusedRegistration } from './refusal.ts';
import type { ImplementedApi, Lease, PodReference, Registration } from './registration.ts';
import { checkBounds } from './registration-bounds.ts';

/** Addresses that plugins may register. */
export interface AddressPolicy {
  /** Allows loopback addresses. Default: only from plugins whose heartbeats come from a loopback address. */
  allowLoopback?: boolean;
  /** Allows link-local addresses, such as the metadata services of clouds. Default false. */
  allowLinkLocal?: boolean;
  /** Addresses that no plugin may register, as `host:port`. Default: that of the API server on a cluster, none elsewhere. */
  reserved?: readonly string[];
}

const { maxInstanceIdLength } = limits.registry;
const { value: defaultWeight, max: maxWeight } = limitTable.registry.weight;
const idAdvice = `an id of at most ${maxInstanceIdLength} characters that no other process uses`;

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Name of a pod: a DNS subdomain. */
const podName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Reads and checks registrations. */
export class RegistrationReader {
  readonly #leases: LeasePolicy;
  readonly #addresses: AddressPolicy;

  constructor(leases: LeasePolicy, addresses: AddressPolicy = {}) {
    this.#leases = leases;
    this.#addresses = addresses;
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
    };
  }

  /** Checks an address, and completes it with the host of the peer if it has none. Throws `RefusedRegistration`. */
  readAddress(text: string, peer: string, isHosted = false): string {
    const address = parseAddress(text);
    if (!address)
      throw malformed('address', text, 'host:port or [ipv6]:port at which the controller can reach the plugin');
    const host = address.host || peer;
    if (isUnspecified(host))
      throw notAllowed(text, 'it is unspecified or multicast; give the address of one interface');
    if (isLinkLocal(host) && !this.#addresses.allowLinkLocal) throw notAllowed(text, 'it is link-local');
    if (isLoopback(host) && !isHosted && !(this.#addresses.allowLoopback ?? isLoopback(peer))) {
      throw notAllowed(text, "it is the controller's own machine; give an address that the controller can reach");
    }
    const whole = formatAddress({ host, port: address.port });
    if (this.#addresses.reserved?.some((one) => isSameAddress(one, whole)))
      throw notAllowed(text, 'it is that of the API server');
    return whole;
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
    pod?.name === known.pod?.name &&
    pod?.namespace === known.pod?.namespace &&
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
  return isSameRecord(api.capabilities, capabilities);
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
  };
}

function readPod({ namespace, name: pod }: NonNullable<RegistrationMessage['pod']>): PodReference {
  for (const part of [namespace, pod]) {
    if (!podName.test(part)) throw malformed('pod', `${namespace}/${pod}`, 'the namespace and the name of a pod');
  }
  return { namespace, name: pod };
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

function malformed(field: string, value: string, expected: string): RefusedRegistration {
  const what = value ? `${field} "${value}" is malformed` : `${field} is missing`;
  return new RefusedRegistration(RefusalReason.INVALID, `${what}; it must be ${expected}`);
}

function notAllowed(address: string, why: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.ADDRESS_NOT_ALLOWED, `address "${address}" is not allowed: ${why}`);
}
