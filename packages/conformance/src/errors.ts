/**
 * Reason why a suite could not run.
 *
 * - `InvalidOptions`: an option is invalid: an unknown requirement, a missing directory, a program that cannot be started.
 * - `Unreachable`: no plugin or controller answers at the address, or a plugin that was started does not register.
 */
export type ConformanceErrorCode = 'InvalidOptions' | 'Unreachable';

/** Error of a suite that could not run. A requirement that is not met is a verdict in the report, not an error. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
  readonly code: ConformanceErrorCode;

  constructor(code: ConformanceErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
