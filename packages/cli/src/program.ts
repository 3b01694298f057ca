import { helpFormat } from '@kplug/operator/command';
import { printable } from '@kplug/protocol/printable';
import { Command, CommanderError } from 'commander';
import { addAttachCommand } from './commands/attach.ts';
import { addCapabilitiesCommand } from './commands/capabilities.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addConformanceCommand } from './commands/conformance.ts';
import { addCrdCommand } from './commands/crd.ts';
import { addDevCommand } from './commands/dev.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEventsCommand } from './commands/events.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addGetCommand } from './commands/get.ts';
import { addInitCommand } from './commands/init.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addManifestsCommand } from './commands/manifests.ts';
import { addOperatorCommand } from './commands/operator.ts';
import { addPluginsCommand } from './commands/plugins.ts';
import { addPauseCommands, addReconcileCommand } from './commands/reconcile.ts';
import { addRecordCommand, addReplayCommand } from './commands/record.ts';
import { addRenderCommand } from './commands/render.ts';
import { addTokenCommand } from './commands/token.ts';
import { addTopCommand } from './commands/top.ts';
import { addTraceCommand } from './commands/trace.ts';
import { addUiCommand } from './commands/ui.ts';
import { addValidateCommand } from './commands/validate.ts';
import { addVersionCommand } from './commands/version.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import type { Terminal } from './output/terminal.ts';
import { version } from './version.ts';

/** Builds the commands and their options. Each command loads its modules when it runs, so that others start fast. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('kplug')
    .description('Run an operator on a directory of manifests, and inspect operators and their plugins.')
    .version(version, '-V, --version', 'print the version')
    .option('--verbose', 'print the stack and the causes of errors (also: KPLUG_DEBUG=1)')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showHelpAfterError('Run with --help for usage.')
    .addHelpText('after', '\nStart a project: npx @kplug/cli init')
    .addHelpText('after', exitCodeTable())
    .configureHelp(helpFormat)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.say(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'kplug: ')),
    });
  addOperatorCommand(program, terminal);
  addDevCommand(program, terminal);
  addGetCommand(program, terminal);
  addManifestsCommand(program, terminal);
  addPluginsCommand(program, terminal);
  addCapabilitiesCommand(program, terminal);
  addExplainCommand(program, terminal);
  addTraceCommand(program, terminal);
  addEventsCommand(program, terminal);
  addUiCommand(program, terminal);
  addTopCommand(program, terminal);
  addLogsCommand(program, terminal);
  addReconcileCommand(program, terminal);
  addPauseCommands(program, terminal);
  addAttachCommand(program, terminal);
  addDoctorCommand(program, terminal);
  addValidateCommand(program, terminal);
  addCrdCommand(program, terminal);
  addRenderCommand(program, terminal);
  addConformanceCommand(program, terminal);
  addRecordCommand(program, terminal);
  addReplayCommand(program, terminal);
  addInitCommand(program, terminal);
  addTokenCommand(program, terminal);
  addCompletionCommands(program, terminal);
  addVersionCommand(program, terminal);
  return program;
}

/** Runs a command line and returns the exit code. Never rejects. @param args words after the program name. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has already printed its errors.
    if (!(error instanceof CommanderError)) {
      const isVerbose = program.opts<{ verbose?: boolean }>().verbose || Boolean(process.env.KPLUG_DEBUG);
      terminal.say(describeError(error, terminal, isVerbose));
    }
    return exitCodeOf(error);
  }
}

function describeError(error: unknown, { errorColors }: Terminal, isVerbose: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = `${errorColors.red('kplug:')} ${printable(message.replaceAll(/\s*\n\s*/g, ' '))}`;
  if (!isVerbose || !(error instanceof Error)) return line;
  const causes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    causes.push(cause.stack ?? String(cause));
  return [line, ...causes].join('\n');
}

function exitCodeTable(): string {
  return ['', 'Exit codes:', ...exitCodes.map(({ code, meaning }) => `  ${code}  ${meaning}`)].join('\n');
}
