import type { Command } from 'commander';
import type { Terminal } from '../output/terminal.ts';
import { version } from '../version.ts';

/** Adds `kplug version`. */
export function addVersionCommand(program: Command, terminal: Terminal): void {
  program
    .command('version')
    .description('print the versions of kplug, its protocol and Node.js')
    .action(() => terminal.print(`kplug ${version} (protocol kplug.v1, node ${process.versions.node})`));
}
