import type { Command } from 'commander';
import type { TopOptions } from '../actions/top.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug top`. */
export function addTopCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('top'), operatorOptions())
    .description('show what each plugin does and how fast; needs the admin port')
    .option('--delegations', 'delegations instead of plugins')
    .option('--since-start', 'since the start of the operator instead of the last minute')
    .option('-w, --watch', 'show it again every two seconds, until interrupted')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', note)
    .addHelpText(
      'after',
      examples('kplug top', 'kplug top -w --cluster', 'kplug top --delegations --since-start', 'kplug top -o json'),
    )
    .action(async (options: TopOptions) => {
      const { top } = await import('../actions/top.ts');
      await top(options, terminal);
    });
}

const note = `
PASSES/S, CALLS/S   passes that chose the plugin, and calls of it, per second
FAILED              passes that failed, for any reason, and are retried
ERRORS              calls that ended with an error or an invalid answer
P50, P99            durations of calls, to about 6 %
With --delegations, P50 and P99 are durations of passes.

"-" is not known: no call was measured, or there are too many plugins. A plugin
that is "(gone)" has no registered instance. Of several operators, only the
leader does passes.`;
