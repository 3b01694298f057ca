import { printable, printableOutput } from '@kplug/controller';
import { Command, CommanderError } from 'commander';
import picocolors from 'picocolors';
import { makeOperatorCommand } from './command.ts';
import { exitCodeOfKplugError } from './exit-codes.ts';
import type { OperatorExtension } from './run-operator.ts';
import { version as ownVersion } from './version.ts';

/** Options of a program that extends the ready-made operator. */
export interface ProgramOptions extends OperatorExtension {
  /** Name of the program, for its messages. Default `kplug-operator`. */
  name?: string;
  /** Version of the program. Default: that of the ready-made operator. */
  version?: string;
}

/**
 * Runs the ready-made operator with an extension. `args` is the command line without the paths of Node.js and the program. Never rejects;
 * returns the exit code.
 */
export async function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<number> {
  const { name = 'kplug-operator', version = ownVersion, ...extension } = options;
  const program = new Command(name);
  // A reader that stops early, as in `kplug-operator --help | head`, is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const colors = picocolors.createColors(isColorful(process.stdout));
  const errorColors = picocolors.createColors(isColorful(process.stderr));
  const print = (text: string) => {
    process.stdout.write(`${printableOutput(text, colors.isColorSupported)}\n`);
  };
  const terminal = { colors, errorColors, print };
  makeOperatorCommand(program, terminal, extension);
  program
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .allowExcessArguments(false)
    .showHelpAfterError('Use --help to list the options.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)) });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has already printed the error; it throws help and version, too, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${errorColors.red(`${name}:`)} ${printable(message.replaceAll(/\s*\n\s*/g, ' '))}\n`);
    return exitCodeOfKplugError(error);
  }
}

function isColorful({ isTTY = false }: { isTTY?: boolean }): boolean {
  return isTTY && picocolors.isColorSupported;
}
