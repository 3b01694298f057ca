import type { DeclarationProblem } from '../resources/services/plugin-declarations.ts';

/**
 * Why an address has no instance.
 *
 * - `AddressMalformed`: it isn't a host and a port.
 * - `AddressNotAllowed`: it is one that is never connected to.
 * - `AddressNotResolved`: its host is no name that anybody knows.
 * - `Unreachable`: nothing answers there, or not in time.
 * - `GetInfoUnimplemented`: what answers is no plugin of `kplug.v1`.
 * - `GetInfoMalformed`: it says something of itself that no plugin may.
 * - `PluginMismatch`, `VersionMismatch`, `ApiMismatch`: it is another plugin than the declaration says.
 * - `InstanceKnown`: the same process is known from another address.
 * - `RegistryFull`: no more instances are taken.
 */
export type ProbeFailureReason =
  | 'AddressMalformed'
  | 'AddressNotAllowed'
  | 'AddressNotResolved'
  | 'Unreachable'
  | 'GetInfoUnimplemented'
  | 'GetInfoMalformed'
  | 'PluginMismatch'
  | 'VersionMismatch'
  | 'ApiMismatch'
  | 'InstanceKnown'
  | 'RegistryFull';

/** An address that has no instance, and why. */
export class ProbeFailure extends Error implements DeclarationProblem {
  override readonly name = 'ProbeFailure';
  readonly reason: ProbeFailureReason;

  constructor(reason: ProbeFailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
