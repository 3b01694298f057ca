import { type Command, Option } from 'commander';
import type { DevOptions } from '../actions/dev.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, clusterOptions, examples } from './options.ts';

/** Adds `kplug dev`. */
export function addDevCommand(program: Command, terminal: Terminal): void {
  const command = program.command('dev');
  addOptions(command, clusterOptions())
    .description('run an operator and a plugin from its sources, again after each change')
    .argument('[path...]', 'files or folders of plugins (default: the project in the current directory)')
    .option('--manifests <dir>', 'directory of manifests (default: samples or manifests of the project)')
    .option('--state-dir <dir>', 'folder for the states of the resources (default: .kplug in that directory)')
    .option('--config <file>', 'configuration file with delegations (default: kplug.yaml of the project)')
    .addOption(new Option('-n, --namespace <namespace...>', 'namespaces of the cluster to watch (default: all)'))
    .addHelpText('after', about)
    .addHelpText(
      'after',
      examples(
        'kplug dev',
        'kplug dev hello.ts --manifests manifests',
        'kplug dev ../first ../second --config kplug.yaml',
        'kplug dev --context kind-kind -n shop',
        'kplug dev -- java -jar target/plugin.jar',
      ),
    )
    .action(async (words: string[], options: DevOptions) => {
      const { dev } = await import('../actions/dev.ts');
      const given = wordsAfterDashes(command);
      await dev(words.slice(0, words.length - given.length), given, options, terminal);
    });
}

/** Returns the words after `--`, which commander adds to the arguments. */
function wordsAfterDashes(command: Command): string[] {
  const { rawArgs = [] } = command.parent as { rawArgs?: string[] };
  const index = rawArgs.indexOf('--');
  return index < 0 ? [] : rawArgs.slice(index + 1);
}

const about = `
Finds out what to run: the command of plugin.yaml, a package.json, Python with
.venv or uv, a Go module, which it builds, or a file that imports an SDK. After
-- you give the command yourself. When a source changes, the new code starts
beside the former one, and every resource is reconciled with it at once. Code
that does not start or build is reported, and the former code goes on. It also
follows changes of the manifests and of kplug.yaml.
Uses free ports. "kplug get", "kplug explain" and others find the operator by
the directory of manifests.
Keys on a terminal: r reconciles all resources, f filters, p prints the
statuses, c clears, ? prints help, q or Ctrl-C quits.`;
