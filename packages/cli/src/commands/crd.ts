import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CrdOptions } from '../actions/crd.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples, outputOption } from './options.ts';

/** Adds `kplug crd`. */
export function addCrdCommand(program: Command, terminal: Terminal): void {
  program
    .command('crd')
    .description("generate CustomResourceDefinitions from a plugin's types")
    .argument('<from...>', 'file or folder of a plugin, or -- and a command that starts it')
    .option('--config <file>', 'configuration file with the delegation (default: kplug.yaml, if it exists)')
    .option('--api <name>', 'plugin API, as Name or Name@version (default: all)')
    .option('--api-version <group/version>', "group and version of the kind (default: the delegation's)", groupVersion)
    .option('--kind <kind>', "kind of the base (default: the delegation's, or the name of the API)")
    .option('--plural <word>', 'plural of the kind (default: the regular one)')
    .option('--short-names <word...>', 'short names of the kind (default: none)')
    .addOption(
      new Option('--scope <scope>', 'scope of the kinds').choices(['Namespaced', 'Cluster']).default('Namespaced'),
    )
    .option('--write <file>', 'write a file instead of standard output')
    .option('--check <file>', 'fail if a file differs from what would be written, and print the difference')
    .option('--timeout <duration>', 'time that the plugin has to describe itself', '60s')
    .addOption(outputOption(['yaml', 'json']))
    .addHelpText('after', about)
    .addHelpText(
      'after',
      examples(
        'kplug crd plugin.ts --api-version example.org/v1alpha1',
        'kplug crd plugin.py --write manifests/kind/crd.yaml',
        'kplug crd . --check manifests/kind/crd.yaml',
        'kplug crd --kind Greeting --api-version example.org/v1 -- go run ./cmd/plugin',
      ),
    )
    .action(async (from: string[], options: CrdOptions) => {
      const { crd } = await import('../actions/crd.ts');
      await crd(from, options, terminal);
    });
}

function groupVersion(text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/v[a-z0-9]+$/.test(text)) return text;
  throw new InvalidArgumentError('Write a group and a version, such as example.org/v1alpha1.');
}

const about = `
The plugin is started once, with KPLUG_DESCRIBE, so that its SDK writes the
schemas of the base and the extensions and exits: of zod or another library with
Standard JSON Schema, of msgspec or pydantic, or of Go structs. Fields that the
operator reads and writes are added. Keywords that begin with x-kubernetes-,
such as the CEL rules of x-kubernetes-validations, stay as they are. A field
with x-kplug-column: NAME becomes a column of kubectl get.
What a CustomResourceDefinition can't express is left out, with a note.`;
