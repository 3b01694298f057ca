/**
 * What went wrong, for programs.
 *
 * - `InvalidConfiguration`: an option, a flag or a delegation is missing or malformed.
 * - `InvalidManifest`: a resource, or the file that holds it, can't be read.
 * - `InvalidRegistration`: a plugin's registration was refused.
 * - `InvalidResponse`: a plugin answered with something that the protocol doesn't allow.
 * - `PluginUnavailable`: a plugin couldn't be reached, or went away during a call.
 * - `PluginFailed`: a plugin was reached and answered with an error.
 * - `DeadlineExceeded`: a plugin didn't answer in time.
 * - `DownloadFailed`: a plugin couldn't be fetched, or what came is not what it should be.
 * - `PortInUse`: an address to listen on is taken, or not this machine's.
 * - `StorageFailed`: resources or their statuses couldn't be read or written.
 * - `NotFound`: something that was asked for by name isn't there.
 * - `Conflict`: what was to be written had been changed, deleted or made anew by somebody else.
 * - `LeadershipLost`: another controller leads, or may lead, and this one must not write any more.
 * - `Stopped`: the controller is stopping.
 */
export type KplugErrorCode =
  | 'InvalidConfiguration'
  | 'InvalidManifest'
  | 'InvalidRegistration'
  | 'InvalidResponse'
  | 'PluginUnavailable'
  | 'PluginFailed'
  | 'DeadlineExceeded'
  | 'DownloadFailed'
  | 'PortInUse'
  | 'StorageFailed'
  | 'NotFound'
  | 'Conflict'
  | 'LeadershipLost'
  | 'Stopped';

/** The one error class of this library. The message says what happened, to which object, and what to do next. */
export class KplugError extends Error {
  override readonly name = 'KplugError';
  readonly code: KplugErrorCode;

  constructor(code: KplugErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export { messageOf } from '@kplug/protocol';
