import type { Command } from 'commander';
import type { DoctorOptions } from '../actions/doctor.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug doctor`. */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('doctor'), operatorOptions())
    .description('find common problems of an operator, its plugins and its cluster')
    .addOption(outputOption(['text', 'json', 'yaml']))
    .addHelpText('after', about)
    .addHelpText(
      'after',
      examples(
        'kplug doctor --manifests manifests',
        'kplug doctor --cluster',
        'kplug doctor --context kind-kind --operator-namespace kplug-system',
        `kplug doctor --cluster -o json | jq '.findings[] | select(.outcome == "problem")'`,
      ),
    )
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('../actions/doctor.ts');
      await doctor(options, terminal);
    });
}

const about = `
Read-only. A check that lacks permissions is "not tried", with the reason. With
--admin and a cluster, the operator is the one at that port, and the cluster is
the one that it runs on.
Exits with 1 when there is a problem, such as an unreachable operator. Warnings
do not change the exit code.`;
