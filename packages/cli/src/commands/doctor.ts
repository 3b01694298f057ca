import type { Command } from 'commander';
import type { DoctorOptions } from '../actions/doctor.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** `kplug doctor` */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('doctor'), operatorOptions())
    .description('find common mistakes of an operator, its plugins and its cluster, and say what to do')
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
It changes nothing. What it may not look at is "not tried", with the reason. With --admin and a cluster, the operator
is the one at that port, and the cluster the one that it works on.
Exits with 1 when there is a problem, such as an operator that doesn't answer. Warnings are none.`;
