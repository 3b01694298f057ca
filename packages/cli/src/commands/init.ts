import { type Command, Option } from 'commander';
import type { InitPluginOptions } from '../actions/init-plugin.ts';
import { languages } from '../init/plugin-names.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** Adds `kplug init` and its subcommands. */
export function addInitCommand(program: Command, terminal: Terminal): void {
  const init = program
    .command('init')
    .description('create a project')
    .addHelpText('after', examples('kplug init plugin', 'kplug init plugin first-fit --language go'));
  init
    .command('plugin')
    .description('create a plugin with tests, an image, manifests for a cluster and a CI workflow')
    .argument('[dir]', 'new or empty directory (default: the current directory)')
    .addOption(new Option('--language <language>', 'programming language (default: typescript)').choices(languages))
    .option('--name <word>', "plugin name, such as FirstFit (default: from the directory's name)")
    .option('--kind <word>', 'kind of its resources (default: AddressPlan)')
    .option('--group <domain>', 'API group of the kind (default: example.org)')
    .option('--api <name@version>', 'plugin API (default: named as the kind, version 1.0.0)')
    .option('--image <repository>', 'image without a tag (default: ghcr.io/example/NAME)')
    .option('-y, --yes', 'use the defaults without asking')
    .addHelpText('after', aboutPlugins)
    .addHelpText(
      'after',
      examples(
        'kplug init plugin',
        'kplug init plugin first-fit --language python --yes',
        'kplug init plugin --name PostgreSQL --kind DatabaseTable --group myorg.org --image ghcr.io/me/postgresql',
      ),
    )
    .action(async (folder: string | undefined, options: InitPluginOptions) => {
      const { initPlugin } = await import('../actions/init-plugin.ts');
      await initPlugin(folder, options, terminal);
    });
}

const aboutPlugins = `
Asks on a terminal for options that are not given. The created plugin works as
it is: it divides networks into subnets. Replace that by your own logic. Prints
the created files. Existing files are never overwritten.`;
