import { isPrintable, printable, RefusalReason, type Registration as RegistrationMessage } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { RefusedRegistration } from './refusal.ts';
import type { Registration } from './registration.ts';

const { maxQuotedLength, maxRegistrationSize, entrySize, ...bounds } = limits.registrations;
const { maxApis, maxLabels, maxInstanceIdLength } = limits.registry;

type ApiMessage = RegistrationMessage['apis'][number];

/**
 * Checks the number and the length of all that a registration contains, before anything of it is read. Throws `RefusedRegistration`, whose
 * message names the field and its bound.
 */
export function checkBounds({ plugin, version, apis, address, instanceId, labels, pod }: RegistrationMessage): void {
  checkText('plugin', plugin, bounds.maxNameLength);
  checkText('version', version, bounds.maxVersionLength);
  checkText('address', address, bounds.maxAddressLength);
  checkText('instance_id', instanceId, maxInstanceIdLength);
  checkText('pod.namespace', pod?.namespace ?? '', bounds.maxKeyLength);
  checkText('pod.name', pod?.name ?? '', bounds.maxKeyLength);
  checkNumber('apis', apis.length, maxApis);
  checkPairs('labels', labels, maxLabels);
  for (const api of apis) checkApi(api);
  const size = sizeOf({ plugin, version, apis, address, instanceId, labels });
  if (size > maxRegistrationSize)
    throw exceeded('the registration', `${size} bytes`, `${maxRegistrationSize} bytes in all texts together`);
}

function checkApi({ name, version, extensionKinds, capabilities, provides }: ApiMessage): void {
  checkText('apis.name', name, bounds.maxNameLength);
  const field = `apis[${printable(name, maxQuotedLength)}]`;
  checkText(`${field}.version`, version, bounds.maxVersionLength);
  checkNumber(`${field}.extension_kinds`, extensionKinds.length, bounds.maxExtensionKinds);
  for (const { group, kind } of extensionKinds) {
    checkText(`${field}.extension_kinds.group`, group, bounds.maxKeyLength);
    checkText(`${field}.extension_kinds.kind`, kind, bounds.maxNameLength);
  }
  checkPairs(`${field}.capabilities`, capabilities, bounds.maxCapabilities);
  checkNumber(`${field}.provides`, provides.length, bounds.maxProvided);
  for (const { category, type, versions } of provides) {
    checkText(`${field}.provides.category`, category, bounds.maxNameLength);
    checkText(`${field}.provides.type`, type, bounds.maxNameLength);
    checkNumber(`${field}.provides.versions`, versions.length, bounds.maxProvidedVersions);
    for (const one of versions) checkText(`${field}.provides.versions`, one, bounds.maxNameLength);
  }
}

function checkPairs(field: string, pairs: Readonly<Record<string, string>>, maxNumber: number): void {
  const entries = Object.entries(pairs);
  checkNumber(field, entries.length, maxNumber);
  for (const [key, value] of entries) {
    checkText(`the name of an entry of ${field}`, key, bounds.maxKeyLength);
    checkText(`${field}[${printable(key, maxQuotedLength)}]`, value, bounds.maxValueLength);
  }
}

function checkNumber(field: string, count: number, maxNumber: number): void {
  if (count > maxNumber) throw exceeded(field, `${count} entries`, `${maxNumber} entries`);
}

function checkText(field: string, text: string, maxLength: number): void {
  if (text.length > maxLength) throw exceeded(field, `${text.length} characters`, `${maxLength} characters`);
  if (isPrintable(text)) return;
  throw new RefusedRegistration(
    RefusalReason.INVALID,
    `${field} "${printable(text, maxQuotedLength)}" has control or format characters; remove them`,
  );
}

function exceeded(field: string, found: string, allowed: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.INVALID, `${field} has ${found}; at most ${allowed} are allowed`);
}

/** Parts of a registration that take memory for as long as it is held. */
type Held = Pick<RegistrationMessage, 'plugin' | 'address' | 'instanceId' | 'version' | 'labels'> & {
  apis: readonly Pick<
    ApiMessage | Registration['apis'][number],
    'name' | 'extensionKinds' | 'capabilities' | 'provides'
  >[];
};

/** Size of a registration in memory, estimated: its texts, and a fixed size for each entry of its lists. In bytes. */
export function sizeOf({ plugin, version, address, instanceId, apis, labels }: Held | Registration): number {
  let size = plugin.length + version.length + address.length + instanceId.length + sizeOfPairs(labels);
  for (const { name, extensionKinds, capabilities, provides } of apis) {
    size += entrySize + name.length + sizeOfPairs(capabilities);
    for (const { category, type, versions } of provides) {
      size += entrySize + category.length + type.length;
      for (const one of versions) size += entrySize + one.length;
    }
    for (const { group, kind } of extensionKinds) size += entrySize + group.length + kind.length;
  }
  return size;
}

function sizeOfPairs(pairs: Readonly<Record<string, string>>): number {
  let size = 0;
  for (const [key, value] of Object.entries(pairs)) size += entrySize + key.length + value.length;
  return size;
}
