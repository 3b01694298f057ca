import { makeOperatorCommand } from '@kplug/operator/command';
import type { Command } from 'commander';
import type { Terminal } from '../output/terminal.ts';

/** Adds `kplug operator`. */
export function addOperatorCommand(program: Command, terminal: Terminal): void {
  makeOperatorCommand(program.command('operator'), terminal);
}
