import type { Command } from 'commander';
import type { ValidateOptions } from '../actions/validate.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption } from './options.ts';

/** Adds `kplug validate`. */
export function addValidateCommand(program: Command, terminal: Terminal): void {
  program
    .command('validate')
    .description('check manifests against CRDs and delegations, without an operator or a cluster')
    .argument('<file...>', 'manifest files or directories; - reads stdin')
    .option('--crd <file...>', 'files or directories with further CustomResourceDefinitions')
    .option('--config <file>', 'configuration file with delegations (default: kplug.yaml, if it exists)')
    .option('-n, --namespace <namespace>', 'namespace of manifests that state none', 'default')
    .option('--strict', 'fail on warnings, too')
    .addOption(outputOption(['text', 'json', 'junit', 'github']))
    .addHelpText('after', about)
    .addHelpText(
      'after',
      examples(
        'kplug validate manifests --crd deploy/crds.yaml',
        'kplug validate manifests deploy --config kplug.yaml --strict',
        'kplug validate manifests -o junit > validation.xml',
        'kplug validate manifests -o github',
        'kustomize build overlay | kplug validate - --crd crds',
      ),
    )
    .action(async (files: string[], options: ValidateOptions) => {
      const { validate } = await import('../actions/validate.ts');
      await validate(files, options, terminal);
    });
}

const about = `
Reads each file of a directory and its sub-directories that ends with .yaml,
.yml or .json, as an operator of the directory does. CustomResourceDefinitions
and Delegations among the manifests are used, too. Writes nothing, and calls
neither a plugin nor a cluster.
Fields are checked as the API server does under server-side apply: types,
unknown fields, and CEL rules. Resources of Kubernetes' own kinds are only
checked as manifests. "kplug crd" generates CustomResourceDefinitions from the
types of a plugin; what its code refuses, "kplug render" shows.
A warning is about something that may be right on a cluster, such as an
extension that is not among the files.
Exits with 1 when there is an error, or with --strict a warning.`;
