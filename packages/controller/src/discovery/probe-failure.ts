import type { DeclarationProblem } from '../resources/services/plugin-declarations.ts';

/**
 * Reason why an address has no instance.
 *
 * - `AddressMalformed`: the address isn't a host and a port.
 * - `AddressNotAllowed`: plugins may not be at this address.
 * - `AddressNotResolved`: the host name can't be resolved.
 * - `TlsRequired`: the declaration has neither a CA nor `insecure: true`.
 * - `Unreachable`: nothing answers at the address, or not in time.
 * - `GetInfoUnimplemented`: the server isn't a plugin of `kplug.v1`.
 * - `GetInfoMalformed`: the plugin's response is invalid.
 * - `PluginMismatch`, `VersionMismatch`, `ApiMismatch`: the plugin isn't the declared one.
 * - `InstanceKnown`: the same process is known from another address.
 * - `RegistryFull`: the registry accepts no more instances.
 */
export type ProbeFailureReason =
  | 'AddressMalformed'
  | 'AddressNotAllowed'
  | 'AddressNotResolved'
  | 'TlsRequired'
  | 'Unreachable'
  | 'GetInfoUnimplemented'
  | 'GetInfoMalformed'
  | 'PluginMismatch'
  | 'VersionMismatch'
  | 'ApiMismatch'
  | 'InstanceKnown'
  | 'RegistryFull';

/** Failure of a probe. */
export class ProbeFailure extends Error implements DeclarationProblem {
  override readonly name = 'ProbeFailure';
  readonly reason: ProbeFailureReason;

  constructor(reason: ProbeFailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
