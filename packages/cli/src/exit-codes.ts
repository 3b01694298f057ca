import type { ConformanceErrorCode } from '@kplug/conformance';
import { exitCodeOfKplugError } from '@kplug/operator/exit-codes';
import { CommanderError } from 'commander';
import { CommandError, type CommandFailure } from './command-error.ts';

/** Exit codes, with the meaning that the help prints. */
export const exitCodes = [
  { code: 0, meaning: 'success' },
  { code: 1, meaning: 'the command failed' },
  { code: 2, meaning: 'invalid command line, or an invalid or unusable file or directory' },
  { code: 3, meaning: 'the named object was not found' },
  { code: 4, meaning: 'the operator or plugin is unreachable, or does not answer in time' },
  { code: 5, meaning: 'an address to listen on is in use' },
  { code: 6, meaning: 'the differences cannot be determined (render --diff)' },
] as const;

/** Exit code of a command. */
export type ExitCode = (typeof exitCodes)[number]['code'];

const byFailure: Record<CommandFailure, ExitCode> = {
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  undetermined: 6,
};

const byConformanceCode: Record<ConformanceErrorCode, ExitCode> = { InvalidOptions: 2, Unreachable: 4 };

/** Returns the exit code for an error of a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return byFailure[error.failure];
  // Commander throws for help and version too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (isConformanceError(error)) return byConformanceCode[error.code];
  return exitCodeOfKplugError(error);
}

/** Recognizes the error by its fields, as loading the suites takes longer than most commands run. */
function isConformanceError(error: unknown): error is Error & { code: ConformanceErrorCode } {
  return error instanceof Error && error.name === 'ConformanceError' && 'code' in error;
}
