import picocolors from 'picocolors';

/** Functions that colour a text, or leave it as it is. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where a command's output goes. */
export interface Terminal {
  /** Colours for what is printed. */
  readonly colors: Colors;
  /** Colours for what is said. */
  readonly errorColors: Colors;
  /** Prints a result on standard output, with an end of line. */
  print(text: string): void;
  /** Says something about the result on standard error, with an end of line. */
  say(text: string): void;
}

/** The terminal, or whatever else the standard streams of this process lead to. */
export function processTerminal(): Terminal {
  // A reader that has seen enough, as in `kplug get … | head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    colors: picocolors.createColors(isColorful(process.stdout, process.env)),
    errorColors: picocolors.createColors(isColorful(process.stderr, process.env)),
    print: (text) => process.stdout.write(`${text}\n`),
    say: (text) => process.stderr.write(`${text}\n`),
  };
}

/** Whether a stream gets colours: terminals do unless `NO_COLOR` is set; anything else only with `FORCE_COLOR`. */
export function isColorful({ isTTY = false }: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTTY && env.TERM !== 'dumb';
}
