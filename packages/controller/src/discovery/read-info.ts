import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type GetInfoResponse, RefusalReason, RegistrationSchema } from '@kplug/protocol';
import type { RegistrationReader } from '../registry/read-registration.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { DeclarationReference, Lease, PodReference, Registration } from '../registry/registration.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Where a plugin was asked, and by whose wish. */
export interface AskedPlace {
  address: string;
  declaration: DeclarationReference;
  pod: PodReference | undefined;
  lease: Lease;
}

/** Makes an instance of what a plugin says of itself. Throws a `ProbeFailure`. */
export function readInfo(info: GetInfoResponse, place: AskedPlace, reader: RegistrationReader): Registration {
  const { plugin, version, apis } = info;
  const { address, declaration, pod, lease } = place;
  const instanceId = idOf(declaration, address);
  const said = create(RegistrationSchema, { plugin, version, apis, address, instanceId });
  try {
    return { ...reader.read(said, ''), lease, declaration, ...(pod && { pod }) };
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    throw refusalOf(error, `what the plugin at ${address} answers to GetInfo can't be used: ${error.message}`);
  }
}

/** Makes sure that an address may be connected to. Throws a `ProbeFailure`. */
export function checkAddress(address: string, reader: RegistrationReader): void {
  try {
    reader.readAddress(address, '');
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    throw refusalOf(error, error.message);
  }
}

/** The id of an instance. It has none by which it is registered, and what answers may be another process at any time: its address is the instance. */
export function idOf({ namespace, name }: DeclarationReference, address: string): string {
  const id = `${namespace}/${name}@${address}`;
  return id.length <= 128 ? id : createHash('sha256').update(id).digest('hex');
}

function refusalOf(error: RefusedRegistration, message: string): ProbeFailure {
  const isAddress = error.reason === RefusalReason.ADDRESS_NOT_ALLOWED;
  return new ProbeFailure(isAddress ? 'AddressNotAllowed' : 'GetInfoMalformed', message, { cause: error });
}
