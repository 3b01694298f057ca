import { type Command, Option } from 'commander';
import type { LogsOptions } from '../actions/logs.ts';
import { CommandError } from '../command-error.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug logs`. */
export function addLogsCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('logs'), operatorOptions())
    .description('print what a plugin writes: one that the operator runs, or the pods of one')
    .argument('<plugin>', 'name of a plugin, or of its file in the plugins folder')
    .option('-f, --follow', 'go on with new lines, until interrupted')
    .addOption(
      new Option('--tail <lines>', 'number of last lines of each process or pod; -1 for all')
        .argParser(readTail)
        .default(100),
    )
    .option('--timestamps', 'begin each line with its time')
    .option('--prefix', 'begin each line with its file or pod (default: if there are several)')
    .option('-c, --container <container>', 'container of the pods (default: their default container)')
    .option('-p, --previous', 'log of the pods before the last restart of the container')
    .addOption(outputOption(['text', 'json']))
    .addHelpText('after', note)
    .addHelpText(
      'after',
      examples(
        'kplug logs Plain -f',
        'kplug logs plain.ts --tail 20',
        'kplug logs PostgreSQL --cluster -f --timestamps',
      ),
    )
    .action(async (plugin: string, options: LogsOptions) => {
      const { logs } = await import('../actions/logs.ts');
      await logs(plugin, options, terminal);
    });
}

function readTail(text: string): number {
  const tail = Number(text);
  if (Number.isInteger(tail) && tail >= -1) return tail;
  throw new CommandError('usage', `--tail "${text}" is not a number of lines; write one such as 20, or -1 for all`);
}

const note = `
Of a plugin that it runs, the operator keeps the last 1,000 lines, up to
256 KiB, and forgets them when it ends; they need its admin port. The logs of
pods are read with your own rights, as "kubectl logs" does, and need --cluster,
--context or --kubeconfig. On a terminal, lines in JSON are shown as text;
otherwise they stay JSON.`;
