import { type Command, Option } from 'commander';
import type { InitPluginOptions } from '../actions/init-plugin.ts';
import { languages } from '../init/plugin-names.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** `kplug init` and what is below it. */
export function addInitCommand(program: Command, terminal: Terminal): void {
  const init = program
    .command('init')
    .description('make a project of your own')
    .addHelpText('after', examples('kplug init plugin', 'kplug init plugin first-fit --language go'));
  init
    .command('plugin')
    .description('make a plugin with its tests, an image, manifests for a cluster, and a workflow for CI')
    .argument('[dir]', 'a new or an empty folder (default: the current directory)')
    .addOption(new Option('--language <language>', 'what it is written in (default: typescript)').choices(languages))
    .option('--name <word>', "the plugin's name, such as FirstFit (default: the folder's)")
    .option('--kind <word>', 'the kind of its resources (default: AddressPlan)')
    .option('--group <domain>', "the kind's group (default: example.org)")
    .option('--api <name@version>', 'the plugin API that it implements (default: as the kind, 1.0.0)')
    .option('--image <repository>', 'its image, without a tag (default: ghcr.io/example/ and its name)')
    .option('-y, --yes', 'ask nothing, and take the defaults')
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
Asks for what isn't given, on a terminal. The plugin works as it is made: it divides networks among subnets, which you replace by
what yours does. Prints the files that were written. Nothing is ever written over.`;
