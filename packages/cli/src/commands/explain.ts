import type { Command } from 'commander';
import type { ExplainOptions } from '../actions/explain.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug explain`. */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('explain'), operatorOptions())
    .description(
      'explain why a plugin was selected for a resource, and what to do if it is\nnot ready; needs the admin port',
    )
    .argument('<kind/name>', 'resource; the kind as for "kplug get"')
    .addOption(namespaceOption())
    .addOption(outputOption(['text', 'json', 'yaml']))
    .addHelpText(
      'after',
      examples(
        'kplug explain DatabaseTable/users',
        'kplug explain databasetable/users -o json',
        'kplug explain databasetable/users --context kind-kind',
      ),
    )
    .action(async (target: string, options: ExplainOptions) => {
      const { explain } = await import('../actions/explain.ts');
      await explain(target, options, terminal);
    });
}
