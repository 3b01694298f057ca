export { messageOf } from '@kplug/protocol';

/**
 * Codes of errors.
 *
 * - `InvalidConfiguration`: an option, a flag or a delegation is missing or malformed.
 * - `InvalidManifest`: a resource, or the file that contains it, is invalid.
 * - `InvalidRegistration`: the registration of a plugin was refused.
 * - `InvalidResponse`: a plugin answered with a response that the protocol doesn't allow.
 * - `DependentForbidden`: a plugin requested a resource that would grant rights, which its delegation doesn't allow.
 * - `RequirementForbidden`: a plugin required a resource that its delegation doesn't permit.
 * - `RequirementsTooLarge`: the resources that a plugin required are too many or too large.
 * - `RequirementsUnstable`: a plugin required other resources by each of its answers in a pass.
 * - `PluginUnavailable`: a plugin is unreachable, or its connection broke during a call.
 * - `PluginFailed`: a plugin answered with an error.
 * - `DeadlineExceeded`: a plugin didn't answer in time.
 * - `PluginSuspended`: a plugin gets no calls for the time being, as its last ones timed out.
 * - `DownloadFailed`: a plugin couldn't be downloaded, or the download failed verification.
 * - `PortInUse`: an address to listen on is in use, or doesn't belong to this machine.
 * - `StorageFailed`: resources or their statuses couldn't be read or written.
 * - `NotFound`: a named object doesn't exist.
 * - `Conflict`: the object to be written was changed, deleted or replaced by another client.
 * - `Immutable`: a field would change that can't.
 * - `LeadershipLost`: another controller leads or may lead, and this one must not write any more.
 * - `Stopped`: the controller is stopping.
 */
export type KplugErrorCode =
  | 'InvalidConfiguration'
  | 'InvalidManifest'
  | 'InvalidRegistration'
  | 'InvalidResponse'
  | 'DependentForbidden'
  | 'RequirementForbidden'
  | 'RequirementsTooLarge'
  | 'RequirementsUnstable'
  | 'PluginUnavailable'
  | 'PluginFailed'
  | 'DeadlineExceeded'
  | 'PluginSuspended'
  | 'DownloadFailed'
  | 'PortInUse'
  | 'StorageFailed'
  | 'NotFound'
  | 'Conflict'
  | 'Immutable'
  | 'LeadershipLost'
  | 'Stopped';

/** Error of this library. Its message names the failure, the object and the remedy. */
export class KplugError extends Error {
  override readonly name = 'KplugError';
  /** Code of the error, for programs. */
  readonly code: KplugErrorCode;

  constructor(code: KplugErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
