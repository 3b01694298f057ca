import type picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

/** Where an operator prints what it has to say to people. */
export interface OperatorTerminal {
  /** Colours for what is printed. */
  readonly colors: Colors;
  /** Colours for what is logged. */
  readonly errorColors: Colors;
  /** Prints on standard output, with an end of line. */
  print(text: string): void;
}
