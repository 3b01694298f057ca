import { type Command, Option } from 'commander';

/** Longest line of an example, with its indent. */
const maxCommandWidth = 78;

/** Option for the output format. */
export function outputOption(formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'output format').choices(formats).default(formats[0]);
}

/** Option for the protocol of a plugin. @param fallback description of the default. */
export function protocolOption(fallback: string): Option {
  const description = `protocol of the plugin; kplug is that of the first Kplug (default: ${fallback})`;
  return new Option('--protocol <protocol>', description).choices(['kplug.v1', 'kplug']);
}

/** Option for a namespace. */
export function namespaceOption(): Option {
  return new Option('-n, --namespace <namespace>', "namespace (default: the context's, or default)");
}

/** Options that select a cluster instead of a directory. */
export function clusterOptions(): Option[] {
  return [
    new Option('--cluster', 'use the cluster of the current context instead of a directory').env('KPLUG_CLUSTER'),
    new Option('--kubeconfig <file>', 'use the cluster of a kubeconfig file'),
    new Option('--context <context>', 'use the cluster of a kubeconfig context'),
  ];
}

/** Options that select an operator. */
export function operatorOptions(): Option[] {
  return [
    adminOption(),
    ...adminAccessOptions(),
    operatedManifestsOption(),
    stateDirOption(),
    ...clusterOptions(),
    new Option('--operator-namespace <namespace>', "namespace of the cluster's operator (default: all are searched)"),
  ];
}

/** Option for a manifest directory. */
function manifestsOption(description: string): Option {
  return new Option('--manifests <dir>', description).env('KPLUG_MANIFESTS').default('.', 'the current directory');
}

/** Option for a manifest directory that is only read. */
export function readManifestsOption(): Option {
  const description = 'manifest directory (default: that of kplug.yaml, or the current directory of an operator)';
  return new Option('--manifests <dir>', description).env('KPLUG_MANIFESTS');
}

/** Option for the state directory of an operator. */
export function stateDirOption(): Option {
  const description =
    'state directory of the operator (default: that of kplug.yaml, or .kplug in the manifest directory)';
  return new Option('--state-dir <dir>', description).env('KPLUG_STATE_DIR');
}

/** Option for the manifest directory of an operator. */
function operatedManifestsOption(): Option {
  return manifestsOption('manifest directory of the operator');
}

/** Option for the admin port of an operator. */
function adminOption(): Option {
  return new Option(
    '--admin <url>',
    "operator's admin port (default: from its manifest directory, or http://127.0.0.1:8082)",
  ).env('KPLUG_ADMIN');
}

/** Options for an admin port of another machine, which is served by TLS and to users of its cluster only. */
function adminAccessOptions(): Option[] {
  return [
    new Option('--admin-token-file <file>', 'file with a token for an admin port of another machine').env(
      'KPLUG_ADMIN_TOKEN_FILE',
    ),
    new Option('--admin-ca <file>', "CA of that port, in PEM (default: the system's)").env('KPLUG_ADMIN_CA'),
  ];
}

/** Options of tools that act as a plugin at a heartbeat port with TLS. */
export function heartbeatOptions(): Option[] {
  return [
    new Option('--token-file <file>', 'file with the token that proves the identity of a plugin'),
    new Option('--ca <file>', "operator's CA, in PEM; uses TLS (default: plain text)"),
    new Option('--cert <file>', 'client certificate that proves the identity, in PEM'),
    new Option('--key <file>', 'its key, in PEM'),
    new Option('--server-name <name>', "name in the operator's certificate (default: the host of its address)"),
  ];
}

/** Options of tools that call a plugin with TLS, as an operator does. */
export function pluginTlsOptions(): Option[] {
  return [
    new Option('--ca <file>', "plugin's certificate or its CA, in PEM; uses TLS (default: plain text)"),
    new Option('--tls-dir <dir>', "operator's TLS directory, whose certificate for calls the plugin accepts"),
    new Option('--cert <file>', 'client certificate that the plugin accepts, in PEM (default: from --tls-dir)'),
    new Option('--key <file>', 'its key, in PEM'),
    new Option('--server-name <name>', "name in the plugin's certificate (default: the host of its address)"),
  ];
}

/** Formats examples for the end of a help text. */
export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.flatMap(wrapCommand)].join('\n');
}

/** Indents a command. Breaks one that is too long for 80 columns before options, as a shell requires it. */
function wrapCommand(command: string): string[] {
  const lines: string[] = [];
  for (const part of command.split(/ (?=-)/)) {
    const longer = `${lines.at(-1) ?? ' '} ${part}`;
    if (lines.length === 0 || longer.length <= maxCommandWidth) lines.splice(-1, 1, longer);
    else lines.push(`      ${part}`);
  }
  return lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line));
}

/** Adds options to a command. */
export function addOptions(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}
