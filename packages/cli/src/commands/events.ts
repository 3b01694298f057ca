import { type Command, Option } from 'commander';
import type { ListEventsOptions } from '../actions/list-events.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, namespaceOption, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug events`. */
export function addEventsCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('events'), operatorOptions())
    .description('list the Events that the operator recorded, newest last; needs the admin port')
    .argument('[kind/name]', 'resource, kind, or name of a delegation (default: all)')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'all namespaces')
    .addOption(new Option('--types <types>', 'only Events of these types: Normal, Warning (default: both)'))
    .option('-w, --watch', 'print the Events, and then each one that occurs, until interrupted')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .addHelpText('after', note)
    .addHelpText(
      'after',
      examples(
        'kplug events DatabaseTable/users',
        'kplug events tables -A --types Warning',
        'kplug events -w --cluster',
        'kplug events databasetable/users -o json',
      ),
    )
    .action(async (target: string | undefined, options: ListEventsOptions) => {
      const { listEvents } = await import('../actions/list-events.ts');
      await listEvents(target, options, terminal);
    });
}

const note = `
The operator keeps Events in its memory, and forgets them when it ends: the last
20 different ones of each resource until the resource is gone, and a list of the
last 10,000. An equal Event is counted, and moves to the end. On a cluster, the
API server has them for an hour (--event-ttl) also after a restart of the
operator: "kubectl events --for KIND/NAME".`;
