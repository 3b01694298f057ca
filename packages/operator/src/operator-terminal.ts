import type picocolors from 'picocolors';

/** Terminal of an operator. */
export interface OperatorTerminal {
  /** Colors for standard output. */
  readonly colors: ReturnType<typeof picocolors.createColors>;
  /** Colors for the log on standard error. */
  readonly errorColors: ReturnType<typeof picocolors.createColors>;
  /** Prints a text on standard output, with a line feed. */
  print(text: string): void;
}
