import { exitCodeOfKplugError } from '@kplug/operator/exit-codes';
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

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return byFailure[error.failure];
  // Help and version are thrown too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return exitCodeOfKplugError(error);
}
