import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type GetInfoResponse, RefusalReason, RegistrationSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { DeclarationReference, Lease, PodReference, Registration } from '../registry/registration.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Address at which a plugin was probed, and its declaration. */
export interface ProbedPlace {
  address: string;
  declaration: DeclarationReference;
  pod: PodReference | undefined;
  lease: Lease;
}

/** Reads and checks a response to `GetInfo` as a registration. Throws a `ProbeFailure`. */
export function readInfo(info: GetInfoResponse, place: ProbedPlace, reader: RegistrationReader): Registration {
  const { plugin, version, apis } = info;
  const { address, declaration, pod, lease } = place;
  const instanceId = idOf(declaration, address);
  const message = create(RegistrationSchema, { plugin, version, apis, address, instanceId });
  try {
    return { ...reader.read(message, ''), lease, declaration, ...(pod && { pod }) };
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    throw refusalOf(error, `the plugin at ${address} answers GetInfo with an invalid response: ${error.message}`);
  }
}

/** Checks that a plugin may be at an address. Throws a `ProbeFailure`. */
export function checkAddress(address: string, reader: RegistrationReader): void {
  try {
    reader.readAddress(address, '');
  } catch (error) {
    if (!(error instanceof RefusedRegistration)) throw error;
    throw refusalOf(error, error.message);
  }
}

/** Instance id of a probed plugin, by its address: the process there may be replaced at any time. */
export function idOf({ namespace, name }: DeclarationReference, address: string): string {
  const id = `${namespace}/${name}@${address}`;
  return id.length <= limits.registry.maxInstanceIdLength ? id : createHash('sha256').update(id).digest('hex');
}

function refusalOf(error: RefusedRegistration, message: string): ProbeFailure {
  const isAddress = error.reason === RefusalReason.ADDRESS_NOT_ALLOWED;
  return new ProbeFailure(isAddress ? 'AddressNotAllowed' : 'GetInfoMalformed', message, { cause: error });
}
