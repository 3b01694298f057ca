/**
 * Category of a failure. It decides the exit code.
 *
 * - `failed`: the command ran and failed.
 * - `usage`: the command line, or a file that it names, is invalid.
 * - `notFound`: a named object does not exist.
 * - `unreachable`: no operator or plugin answers.
 * - `undetermined`: the command could not find out what it reports by the exit code 1.
 */
export type CommandFailure = 'failed' | 'usage' | 'notFound' | 'unreachable' | 'undetermined';

/** Failure of a command. The message tells the user what failed, for which object, and how to fix it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
