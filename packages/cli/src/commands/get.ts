import type { Command } from 'commander';
import type { GetOptions } from '../actions/get.ts';
import type { Terminal } from '../output/terminal.ts';
import {
  addOptions,
  clusterOptions,
  examples,
  namespaceOption,
  outputOption,
  readManifestsOption,
  stateDirOption,
} from './options.ts';

/** Adds `kplug get`. */
export function addGetCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('get'), clusterOptions())
    .description('list resources of a directory or a cluster, with their status; needs no operator')
    .argument('<kind>', 'kind, singular or plural, in any case; KIND.GROUP if it is ambiguous')
    .argument('[name]', 'name of a resource')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'all namespaces')
    .addOption(outputOption(['table', 'wide', 'yaml', 'json']))
    .option('-w, --watch', 'print the table, and then each row that changes, until interrupted')
    .addOption(readManifestsOption())
    .addOption(stateDirOption())
    .addHelpText('after', about)
    .addHelpText(
      'after',
      examples(
        'kplug get databasetables --manifests examples/database-table/manifests',
        'kplug get DatabaseTable users -o yaml',
        'kplug get databasetables -A -o wide',
        'kplug get databasetables --cluster --watch',
      ),
    )
    .action(async (kind: string, name: string | undefined, options: GetOptions) => {
      const { get } = await import('../actions/get.ts');
      await get(kind, name, options, terminal);
    });
}

const about = `
Resources of a delegation are listed with their selected plugin and the reason
why they are not ready; on a cluster, other kinds have the columns of kubectl.`;
