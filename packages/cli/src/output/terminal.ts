import { printable, printableOutput } from '@kplug/protocol/printable';
import picocolors from 'picocolors';

/** Functions that colour text, or return it unchanged. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Output of a command. */
export interface Terminal {
  /** Colours for standard output. */
  readonly colors: Colors;
  /** Colours for standard error. */
  readonly errorColors: Colors;
  /** Writes a line to standard output, for results. */
  print(text: string): void;
  /** Writes a line of fields with tabs between them to standard output, for programs. */
  printFields(...fields: string[]): void;
  /** Writes a line to standard error, for messages. */
  say(text: string): void;
}

/** Returns a terminal that writes to the standard streams of this process. */
export function processTerminal(): Terminal {
  // A reader that stops early, as in `kplug get … | head`, is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  const colors = picocolors.createColors(isColorful(process.stdout, process.env));
  const errorColors = picocolors.createColors(isColorful(process.stderr, process.env));
  return {
    colors,
    errorColors,
    print: (text) => process.stdout.write(`${printableOutput(text, colors.isColorSupported)}\n`),
    printFields: (...fields) => process.stdout.write(`${fields.map((field) => printable(field)).join('\t')}\n`),
    say: (text) => process.stderr.write(`${printableOutput(text, errorColors.isColorSupported)}\n`),
  };
}

/** Reports whether a stream gets colours: a terminal unless `NO_COLOR` is set, any other only with `FORCE_COLOR`. */
export function isColorful({ isTTY = false }: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTTY && env.TERM !== 'dumb';
}
