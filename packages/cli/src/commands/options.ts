import { type Command, Option } from 'commander';

/** How results are printed: for people, or whole for programs. */
export function outputOption(formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(formats).default(formats[0]);
}

/** The protocol that a plugin speaks. @param without what is taken when it isn't said. */
export function protocolOption(without: string): Option {
  const description = `the protocol that the plugin speaks: kplug is the first Kplug's (default: ${without})`;
  return new Option('--protocol <protocol>', description).choices(['kplug.v1', 'kplug']);
}

/** The namespace of what is asked for. */
export function namespaceOption(): Option {
  return new Option('-n, --namespace <namespace>', "the namespace (default: the context's, or default)");
}

/** Which cluster is meant, in place of a directory. */
export function clusterOptions(): Option[] {
  return [
    new Option('--cluster', 'the cluster of the current context, in place of a directory').env('KPLUG_CLUSTER'),
    new Option('--kubeconfig <file>', 'a cluster, by a kubeconfig file'),
    new Option('--context <context>', 'a cluster, by a context of the kubeconfig'),
  ];
}

/** Which operator of a cluster is asked. */
export function operatorOptions(): Option[] {
  return [
    adminOption(),
    operatedManifestsOption(),
    ...clusterOptions(),
    new Option(
      '--operator-namespace <namespace>',
      "the namespace of the cluster's operator (default: it is looked for)",
    ),
  ];
}

/** The directory of manifests that is read. */
export function manifestsOption(description = 'the directory of manifests'): Option {
  return new Option('--manifests <dir>', description).env('KPLUG_MANIFESTS').default('.', 'the current directory');
}

/** The directory whose operator is asked. */
function operatedManifestsOption(): Option {
  return manifestsOption('the directory that the operator runs on');
}

/** The operator that is asked. */
function adminOption(): Option {
  return new Option(
    '--admin <url>',
    "the operator's admin port; by default as its directory says, or http://127.0.0.1:8082",
  ).env('KPLUG_ADMIN');
}

/** Examples for the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Adds several options to a command. */
export function addOptions(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}
