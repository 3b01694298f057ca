import { printable, printableOutput } from '@kplug/protocol/printable';
import picocolors from 'picocolors';

/** Functions that colour text, or return it unchanged. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Output of a command. */
export interface Terminal {
  /** True if standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Colours for standard output. */
  readonly colors: Colors;
  /** Colours for standard error. */
  readonly errorColors: Colors;
  /** Writes a line to standard output, for results. */
  print(text: string): void;
  /** Replaces the content of a terminal by a text; another standard output gets it as further lines. */
  show(text: string): void;
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
  const print = (text: string) => void process.stdout.write(`${printableOutput(text, colors.isColorSupported)}\n`);
  return {
    isTerminal: process.stdout.isTTY === true,
    colors,
    errorColors,
    print,
    show: (text) => {
      if (!process.stdout.isTTY) return print(text);
      // From the top left corner on, and no more lines than fit.
      process.stdout.write('\u001b[H\u001b[2J');
      print(text.split('\n', process.stdout.rows - 1).join('\n'));
    },
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
