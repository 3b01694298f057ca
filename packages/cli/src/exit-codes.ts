import type { KplugErrorCode } from '@kplug/controller';
import { CommanderError } from 'commander';
import { CommandError, type CommandFailure } from './command-error.ts';

/** What a process exits with, and when. */
export const exitCodes = [
  { code: 0, meaning: 'what was asked for was done' },
  { code: 1, meaning: 'it was tried and failed' },
  { code: 2, meaning: 'the command line, a file or a directory that it names is malformed or unusable' },
  { code: 3, meaning: 'what was asked for by name is not there' },
  { code: 4, meaning: 'the operator or the plugin does not answer' },
  { code: 5, meaning: 'an address to listen on is taken' },
] as const;

/** One of the codes. */
export type ExitCode = (typeof exitCodes)[number]['code'];

const byFailure: Record<CommandFailure, ExitCode> = { failed: 1, usage: 2, notFound: 3, unreachable: 4 };

const byKplugError: Record<KplugErrorCode, ExitCode> = {
  InvalidConfiguration: 2,
  InvalidManifest: 2,
  InvalidRegistration: 1,
  InvalidResponse: 1,
  PluginUnavailable: 4,
  PluginFailed: 1,
  DeadlineExceeded: 1,
  PortInUse: 5,
  StorageFailed: 1,
  NotFound: 3,
  Conflict: 1,
  LeadershipLost: 1,
  Stopped: 1,
};

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return byFailure[error.failure];
  // Help and version are thrown too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return isKplugError(error) ? byKplugError[error.code] : 1;
}

/** By its fields, as loading the library takes longer than most commands do. */
function isKplugError(error: unknown): error is { code: KplugErrorCode } {
  return error instanceof Error && error.name === 'KplugError' && 'code' in error && String(error.code) in byKplugError;
}
