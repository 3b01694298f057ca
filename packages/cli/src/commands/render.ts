import { type Command, Option } from 'commander';
import type { RenderOptions } from '../actions/render.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, outputOption, pluginTlsOptions, protocolOption } from './options.ts';

/** Adds `kplug render`. */
export function addRenderCommand(program: Command, terminal: Terminal): void {
  addOptions(program.command('render'), pluginTlsOptions())
    .description('reconcile manifests once with a plugin, and print what an operator would write')
    .argument('<file...>', 'manifest files with base and extensions; - reads stdin; with --diff also KIND/NAME')
    .option('--plugin <address>', 'host:port of a plugin that runs')
    .addOption(
      new Option('--start <command>', 'shell command that starts the plugin, for this pass only').conflicts([
        'plugin',
        'protocol',
        'name',
        'ca',
        'tlsDir',
        'cert',
        'key',
        'serverName',
      ]),
    )
    .option('--observed <file...>', 'resources as they exist: the base, its dependents and what the plugin requires')
    .option('--expect <file>', 'fail unless the output is that of the file; times do not count')
    .addOption(
      new Option('--diff', 'print what the pass would change in a cluster, as kubectl diff does').conflicts([
        'observed',
        'expect',
        'output',
      ]),
    )
    .option('-n, --namespace <namespace>', "namespace of the cluster, with --diff (default: the context's)")
    .option('--kubeconfig <file>', 'kubeconfig file of the cluster, with --diff')
    .option('--context <context>', 'context of the kubeconfig, with --diff')
    .addOption(protocolOption('kplug.v1'))
    .option('--name <name>', 'name of a plugin of the protocol kplug, which does not report one', 'Plugin')
    .option('--config <file>', 'configuration file with delegations (default: derived from manifests and plugin)')
    .addOption(new Option('--kind <kind>', 'kind of the base, if it is ambiguous').conflicts('config'))
    .addOption(outputOption(['yaml', 'json']))
    .addHelpText('after', aboutRender)
    .addHelpText(
      'after',
      examples(
        'kplug render users.yaml --plugin localhost:7000',
        'kplug render users.yaml --start "node plugin.ts" --expect users.expected.yaml',
        'kplug render users.yaml --start "node plugin.ts" --observed live.yaml',
        'kplug render databasetable/users --start "node plugin.ts" --diff',
        'kplug render base.yaml extensions.yaml --plugin localhost:7000 --config kplug.yaml -o json',
        'kplug render users.yaml --plugin localhost:50050 --protocol kplug --name PostgreSQL',
        'kplug render users.yaml --plugin db:7000 --ca plugin.crt --tls-dir manifests/.kplug/tls',
        'kustomize build overlay | kplug render - --plugin localhost:7000',
      ),
    )
    .action(async (files: string[], options: RenderOptions) => {
      const { render } = await import('../actions/render.ts');
      await render(files, options, terminal);
    });
}

const aboutRender = `
Kplug writes nothing, but the plugin is really called and does its work. Needs
no operator.
A plugin of a secured operator lets in only its operator: give the plugin's
certificate, or the CA of that, with --ca, and the operator's certificate for
calls with --tls-dir: MANIFESTS/.kplug/tls of the operator of a directory, or a
directory with caller.crt and caller.key of the Secret of one on a cluster.
A plugin of the first Kplug's protocol (--protocol kplug) does not report its
name and APIs: --name gives its name, it is assumed to implement the delegated
API, and its create is called.
--observed shows what a later pass does: with the dependents that exist, and how
they are. kubectl get -o yaml prints such a file. A base may be in both files.
Resources that the plugin requires may be in either; requirements.kinds of the
delegation lists their kinds. One without a namespace is in "default".
--expect is for tests of a plugin: make the file with the output of the command.
--diff compares with the cluster of the kubeconfig, with your rights: base,
extensions and dependents are read from it, and writes are dry runs, which the
API server checks and does not store. It needs the delegation: from --config,
or from a Delegation of the cluster, to permit the kinds of dependents. With
files, they are applied first, as dry runs, too.
Exits with 1 when a delegated resource is not ready; with --expect, when the
output is another one; with --diff, when there are differences, 0 when there
are none, and more than 1 when that cannot be determined.`;
