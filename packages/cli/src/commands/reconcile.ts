import type { Command } from 'commander';
import type { ReconcileOptions } from '../actions/reconcile.ts';
import type { AnnotationChoice } from '../input/annotated-resource.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, clusterOptions, examples, namespaceOption } from './options.ts';

const argument = ['<kind/name>', 'resource; the kind as for "kplug get"'] as const;

/** Adds `kplug reconcile`. */
export function addReconcileCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('reconcile'), clusterOptions())
    .description('have a resource of a cluster reconciled now; needs the right to get and patch it')
    .argument(...argument)
    .addOption(namespaceOption())
    .option('--wait', 'wait until that is done, and print the outcome; exits with 1 if it is not ready')
    .option('--timeout <duration>', 'longest time to wait; exits with 4 after it', '60s')
    .addHelpText(
      'after',
      examples(
        'kplug reconcile DatabaseTable/users --cluster',
        'kplug reconcile databasetable/users -n shop --wait --timeout 5m --context kind-kind',
      ),
    )
    .action(async (target: string, options: ReconcileOptions) => {
      const { reconcile } = await import('../actions/reconcile.ts');
      await reconcile(target, options, terminal);
    });
}

/** Adds `kplug pause` and `kplug resume`. */
export function addPauseCommands(program: Command, terminal: Terminal): void {
  addOptions(program.command('pause'), clusterOptions())
    .description('stop the reconciliation of a resource of a cluster, and its deletion, until it is resumed')
    .argument(...argument)
    .addOption(namespaceOption())
    .addHelpText('after', examples('kplug pause DatabaseTable/users --cluster'))
    .action(async (target: string, options: AnnotationChoice) => {
      const { pause } = await import('../actions/pause.ts');
      await pause(target, options, terminal);
    });
  addOptions(program.command('resume'), clusterOptions())
    .description('resume the reconciliation of a paused resource of a cluster')
    .argument(...argument)
    .addOption(namespaceOption())
    .addHelpText('after', examples('kplug resume DatabaseTable/users --cluster'))
    .action(async (target: string, options: AnnotationChoice) => {
      const { resume } = await import('../actions/pause.ts');
      await resume(target, options, terminal);
    });
}
