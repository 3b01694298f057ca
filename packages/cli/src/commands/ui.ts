import type { Command } from 'commander';
import type { UiOptions } from '../actions/ui.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption, operatorOptions } from './options.ts';

/** Adds `kplug ui`. */
export function addUiCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('ui'), operatorOptions())
    .description('open the page of an operator in the browser; needs the admin port')
    .argument('[resource]', 'resource to show, as KIND/NAME')
    .addOption(namespaceOption())
    .option('--no-open', 'print the URL only')
    .option('--port <port>', 'port of this machine for the page of a cluster (default: 8083, or else a free one)')
    .option('--allow-actions', "let the page act for you: send your kubeconfig's token to the operator with actions")
    .addHelpText('after', note)
    .addHelpText(
      'after',
      examples(
        'kplug ui',
        'kplug ui DatabaseTable/users',
        'kplug ui --cluster',
        'kplug ui --context kind-kind --operator-namespace kplug-system --no-open',
      ),
    )
    .action(async (resource: string | undefined, options: UiOptions) => {
      const { ui } = await import('../actions/ui.ts');
      await ui(resource, options, terminal);
    });
}

const note = `
On a cluster, the command forwards a port of this machine to the operator that
leads, through the API server, until Ctrl-C; that takes the right to create
pods/portforward. It follows the leadership. The URL holds a secret: who has it
can read the operator.`;
