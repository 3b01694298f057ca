import type { Command } from 'commander';
import type { ExplainOptions } from '../actions/explain.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption, operatorOptions, outputOption } from './options.ts';

/** `kplug explain` */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('explain'), operatorOptions())
    .description("explain why a resource went to its plugin; asks the operator's admin port")
    .argument('<kind/name>', 'the resource')
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
