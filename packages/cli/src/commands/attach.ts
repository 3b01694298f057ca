import { type Command, Option } from 'commander';
import type { AttachOptions } from '../actions/attach.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption } from './options.ts';

/** Adds `kplug attach`. */
export function addAttachCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('attach'), [
    new Option('--kubeconfig <file>', 'use the cluster of a kubeconfig file'),
    new Option('--context <context>', 'use the cluster of a kubeconfig context'),
    new Option('--operator-namespace <namespace>', "namespace of the cluster's operator (default: all are searched)"),
  ])
    .description('take over chosen resources of a cluster with a plugin of this machine, until it ends')
    .argument(
      '[command...]',
      'program that runs the plugin, with its arguments; without it, prints the variables for one',
    )
    .requiredOption('--delegation <name>', 'delegation of the resources')
    .option('-l, --selector <labels>', 'labels of the resources, as for kubectl')
    .option('--all', 'take over all resources of the delegation in the namespace')
    .addOption(namespaceOption())
    .option('--lease <duration>', 'time after which resources are handed back if this process is gone', '15s')
    .addHelpText(
      'after',
      examples(
        'kplug attach --delegation tables --selector owner=me -- node plugin.ts',
        'kplug attach --delegation tables -l "owner=me,tier in (dev,test)" -n shop -- uv run plugin.py',
        'kplug attach --delegation tables --all -n sandbox --context kind-kind',
      ),
    )
    .action(async (command: string[], options: AttachOptions) => {
      const { attach } = await import('../actions/attach.ts');
      await attach(command, options, terminal);
    });
}
