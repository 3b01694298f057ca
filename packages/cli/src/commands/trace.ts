import type { Command } from 'commander';
import type { TraceOptions } from '../actions/trace.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug trace`. */
export function addTraceCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('trace'), operatorOptions())
    .description(
      'find the root cause why a resource is not ready, in the tree of its\nextensions, dependents and plugins; needs the admin port',
    )
    .argument('<kind/name>', 'resource; the kind as for "kplug get"')
    .addOption(namespaceOption())
    .option('-w, --watch', 'print the tree again whenever it changes')
    .addOption(outputOption(['tree', 'json', 'yaml', 'dot']))
    .addHelpText(
      'after',
      examples(
        'kplug trace Capability/orders -n shop',
        'kplug trace Capability/orders -w --cluster',
        'kplug trace Capability/orders -o dot | dot -Tsvg > orders.svg',
      ),
    )
    .action(async (target: string, options: TraceOptions) => {
      const { trace } = await import('../actions/trace.ts');
      await trace(target, options, terminal);
    });
}
