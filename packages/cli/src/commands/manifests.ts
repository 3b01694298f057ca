import type { Command } from 'commander';
import type { ConfirmDeletionsOptions } from '../actions/confirm-deletions.ts';
import type { ShowManifestsOptions } from '../actions/show-manifests.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption, readManifestsOption, stateDirOption } from './options.ts';

/** Adds `kplug manifests` and its subcommands. */
export function addManifestsCommand(program: Command, terminal: Terminal): void {
  const manifests = program
    .command('manifests')
    .description('show the state of a manifest directory, and confirm held deletions; needs no operator')
    .addHelpText(
      'after',
      examples('kplug manifests', 'kplug manifests --manifests tables -o json', 'kplug manifests confirm'),
    );
  addShowCommand(manifests, terminal);
  addConfirmCommand(manifests, terminal);
}

function addShowCommand(manifests: Command, terminal: Terminal): void {
  manifests
    .command('show', { isDefault: true })
    .description('print the problems of the files, and the deletions of resources that no file defines')
    .addOption(readManifestsOption())
    .addOption(stateDirOption())
    .addOption(outputOption(['text', 'json', 'yaml']))
    .addHelpText('after', examples('kplug manifests show', 'kplug manifests show --manifests tables -o json'))
    .action(async (options: ShowManifestsOptions) => {
      const { showManifests } = await import('../actions/show-manifests.ts');
      await showManifests(options, terminal);
    });
}

function addConfirmCommand(manifests: Command, terminal: Terminal): void {
  manifests
    .command('confirm')
    .description('confirm the deletions that an operator holds')
    .addOption(readManifestsOption())
    .addOption(stateDirOption())
    .option('-y, --yes', 'confirm without asking')
    .addHelpText('after', aboutConfirming)
    .addHelpText('after', examples('kplug manifests confirm', 'kplug manifests confirm --manifests tables --yes'))
    .action(async (options: ConfirmDeletionsOptions) => {
      const { confirmHeldDeletions } = await import('../actions/confirm-deletions.ts');
      await confirmHeldDeletions(options, terminal);
    });
}

const aboutConfirming = `
An operator holds the deletion of a large share of a directory's resources (see
its flag --max-deletions). This command lists these resources, asks, and tells
the operator to delete them; an operator that does not run does so when it
starts. The confirmation is for exactly the listed resources: if others are to
be deleted by then, all stay held.
To end the hold without a deletion, restore the files.`;
