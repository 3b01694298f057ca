import './require-node.ts';

import type { Command } from 'commander';
import { addFlags, readFlags } from './flags.ts';
import { helpFormat } from './help-format.ts';
import type { OperatorTerminal } from './operator-terminal.ts';
import type { OperatorExtension } from './run-operator.ts';

export { helpFormat };

/** Makes a command run an operator. Most of its code is loaded when it runs. */
export function makeOperatorCommand(
  command: Command,
  terminal: OperatorTerminal,
  extension: OperatorExtension = {},
): Command {
  const name = command.parent ? `${command.parent.name()} ${command.name()}` : command.name();
  return addFlags(command.configureHelp(helpFormat))
    .description('run an operator on a directory of manifests or on a cluster')
    .addHelpText('after', notes(name))
    .action(async () => {
      const [{ readConfiguration }, { runOperator }] = await Promise.all([
        import('./configuration.ts'),
        import('./run-operator.ts'),
      ]);
      await runOperator(await readConfiguration(readFlags(command), process.env), terminal, extension);
    });
}

function notes(name: string): string {
  return `
Flags take precedence over environment variables, those over the configuration
file, and that over defaults.

Examples:
  ${name} --manifests manifests
  ${name} --manifests manifests --grpc-bind-address 127.0.0.1:0
  ${name} --manifests manifests --log-format json 2> operator.log
  ${name} --context kind-kind -n default --config kplug.yaml

Delegations in the configuration file:
  delegations:
    - name: tables
      base: { apiVersion: myorg.org/v1alpha1, kind: DatabaseTable }
      api: DatabaseTable@^1.0.0
or as a resource, while the operator runs:
  apiVersion: delegations.kplug.dev/v1alpha1
  kind: Delegation
  metadata: { name: tables }
  spec:
    base: { apiVersion: myorg.org/v1alpha1, kind: DatabaseTable }
    api: DatabaseTable@^1.0.0`;
}
