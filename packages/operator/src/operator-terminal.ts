import type picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

/** Terminal of an operator. */
export interface OperatorTerminal {
  /** Colors for standard output. */
  readonly colors: Colors;
  /** Colors for the log on standard error. */
  readonly errorColors: Colors;
  /** Prints a text on standard output, with a line feed. */
  print(text: string): void;
}
