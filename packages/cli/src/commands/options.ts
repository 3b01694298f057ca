import { Option } from 'commander';

/** How results are printed: for people, or whole for programs. */
export function outputOption(formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(formats).default(formats[0]);
}

/** The namespace of what is asked for. */
export function namespaceOption(): Option {
  return new Option('-n, --namespace <namespace>', 'the namespace').default('default');
}

/** The directory of manifests that is read. */
export function manifestsOption(description = 'the directory of manifests'): Option {
  return new Option('--manifests <dir>', description).env('KPLUG_MANIFESTS').default('.', 'the current directory');
}

/** The directory whose operator is asked. */
export function operatedManifestsOption(): Option {
  return manifestsOption('the directory that the operator runs on');
}

/** The operator that is asked. */
export function adminOption(): Option {
  return new Option(
    '--admin <url>',
    "the operator's admin port; by default as its directory says, or http://127.0.0.1:8081",
  ).env('KPLUG_ADMIN');
}

/** Examples for the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}
