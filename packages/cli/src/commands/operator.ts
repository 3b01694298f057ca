import { type Command, Option } from 'commander';
import type { OperatorOptions } from '../operator/run-operator.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** `kplug operator` */
export function addOperatorCommand(program: Command, terminal: Terminal): void {
  program
    .command('operator')
    .description('run an operator on a directory of manifests or on a cluster, with no code')
    .addOption(
      new Option('--manifests <dir>', 'the directory of manifests (default: none, but a cluster)').env(
        'KPLUG_MANIFESTS',
      ),
    )
    .option('--kubeconfig <file>', 'how to reach the cluster (default: as kubectl does, or as a pod)')
    .option('--context <name>', "the kubeconfig's context (default: its current one)")
    .option('-n, --namespace <namespace...>', 'only these namespaces of the cluster (default: all)')
    .option('--leader-elect', 'of several operators, let only the one that holds a Lease work')
    .option('--leader-elect-lease-name <name>', 'the name of the Lease', 'kplug')
    .option(
      '--leader-elect-namespace <namespace>',
      "the operator's own namespace (default: its pod's, or the context's)",
    )
    .option('--leader-elect-lease-duration <duration>', 'how long the others wait for a silent leader', '15s')
    .option('--leader-elect-renew-deadline <duration>', 'how long a leader works without renewing', '10s')
    .option('--leader-elect-retry-period <duration>', 'how long between two tries', '2s')
    .option('--delegation <file>', 'what is delegated to which plugin API, and how', 'kplug.yaml')
    .option('--grpc-bind-address <address>', 'where plugins beat to; port 0 takes a free one', ':50050')
    .option('--admin-bind-address <address>', 'where probes, metrics and the admin services are', '127.0.0.1:8081')
    .option('--heartbeat-interval <duration>', "how often plugins beat that don't ask for another interval", '5s')
    .option('--ttl <duration>', 'how long a plugin is believed without a beat (default: three intervals)')
    .option(
      '--allow-insecure-plugins',
      "take plugins of the first Kplug: its protocol is plain text, and nothing proves who beats or answers (default: don't)",
    )
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
        'kplug operator --context kind-kind -n default --delegation kplug.yaml',
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
