import type { Command } from 'commander';
import type { ListCapabilitiesOptions } from '../actions/list-capabilities.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug capabilities`. */
export function addCapabilitiesCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('capabilities'), operatorOptions())
    .description('list what resources may ask for by category, type and version; needs the admin port')
    .option('--category <category>', 'only capabilities of this category')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .addHelpText(
      'after',
      examples('kplug capabilities', 'kplug capabilities --category database -o json', 'kplug capabilities --cluster'),
    )
    .action(async (options: ListCapabilitiesOptions) => {
      const { listCapabilities } = await import('../actions/list-capabilities.ts');
      await listCapabilities(options, terminal);
    });
}
