import { type Command, Option } from 'commander';
import type { OperatorOptions } from '../operator/run-operator.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** `kplug operator` */
export function addOperatorCommand(program: Command, terminal: Terminal): void {
  program
    .command('operator')
    .description('run an operator on a directory of manifests, with no code')
    .addOption(
      new Option('--manifests <dir>', 'the directory of manifests').env('KPLUG_MANIFESTS').makeOptionMandatory(),
    )
    .option('--delegation <file>', 'what is delegated to which plugin API, and how', 'kplug.yaml')
    .option('--grpc-bind-address <address>', 'where plugins beat to; port 0 takes a free one', ':50050')
    .option('--admin-bind-address <address>', 'where probes, metrics and the admin services are', '127.0.0.1:8081')
    .option('--heartbeat-interval <duration>', "how often plugins beat that don't ask for another interval", '5s')
    .option('--ttl <duration>', 'how long a plugin is believed without a beat (default: three intervals)')
    .addOption(
      new Option('--log-level <level>', 'the least that is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'how is logged, on standard error').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      examples(
        'kplug operator --manifests manifests --delegation kplug.yaml',
        'kplug operator --manifests manifests --grpc-bind-address 127.0.0.1:0 --admin-bind-address 127.0.0.1:0',
        'kplug operator --manifests manifests --log-format json 2> operator.log',
      ),
    )
    .addHelpText('after', aboutDelegations)
    .action(async (options: OperatorOptions) => {
      const { runOperator } = await import('../operator/run-operator.ts');
      await runOperator(options, terminal);
    });
}

const aboutDelegations = `
The delegation file:
  delegations:
    - name: tables
      base: { apiVersion: myorg.org/v1alpha1, kind: DatabaseTable }
      api: DatabaseTable@^1.0.0`;
