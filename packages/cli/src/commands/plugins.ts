import { type Command, Option } from 'commander';
import type { DescribePluginOptions } from '../actions/describe-plugin.ts';
import type { FetchPluginsOptions } from '../actions/fetch-plugins.ts';
import type { ListPluginsOptions } from '../actions/list-plugins.ts';
import type { WatchOptions } from '../actions/watch-plugins.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** Adds `kplug plugins` and its subcommands. */
export function addPluginsCommand(program: Command, terminal: Terminal): void {
  const plugins = program
    .command('plugins')
    .description('list and watch the plugins of an operator; needs the admin port')
    .addHelpText(
      'after',
      examples(
        'kplug plugins',
        'kplug plugins list --api DatabaseTable -o wide',
        'kplug plugins --refused',
        'kplug plugins describe PostgreSQL',
        'kplug plugins watch -o json',
        'kplug plugins --cluster',
        'kplug plugins fetch example/postgresql@v1.2.0 --plugins-dir ./plugins',
      ),
    );
  addListCommand(plugins, terminal);
  addDescribeCommand(plugins, terminal);
  addWatchCommand(plugins, terminal);
  addFetchCommand(plugins, terminal);
}

function addListCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('list', { isDefault: true }), operatorOptions())
    .description('list plugin instances')
    .option('--api <api>', 'only plugins of this plugin API')
    .addOption(
      new Option('--refused', 'list the plugins that were refused recently, with the reasons').conflicts('api'),
    )
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText(
      'after',
      examples('kplug plugins list', 'kplug plugins list --api DatabaseTable -o wide', 'kplug plugins list --refused'),
    )
    .action(async ({ refused, ...options }: ListPluginsOptions & { refused?: boolean }) => {
      if (refused) {
        const { listRefusals } = await import('../actions/list-refusals.ts');
        await listRefusals(options, terminal);
        return;
      }
      const { listPlugins } = await import('../actions/list-plugins.ts');
      await listPlugins(options, terminal);
    });
}

function addDescribeCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('describe'), operatorOptions())
    .description('describe a plugin: its APIs, instances and resources')
    .argument('<plugin>', 'plugin name in any case, or file name in the plugins directory')
    .addOption(outputOption(['text', 'json', 'yaml']))
    .addHelpText('after', examples('kplug plugins describe PostgreSQL'))
    .action(async (name: string, options: DescribePluginOptions) => {
      const { describePlugin } = await import('../actions/describe-plugin.ts');
      await describePlugin(name, options, terminal);
    });
}

function addWatchCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('watch'), operatorOptions())
    .description('list plugin instances, then each change, until interrupted')
    .option('--api <api>', 'only plugins of this plugin API')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', examples('kplug plugins watch', 'kplug plugins watch -o json | jq .state'))
    .action(async (options: WatchOptions) => {
      const { watchPlugins } = await import('../actions/watch-plugins.ts');
      await watchPlugins(options, terminal);
    });
}

function addFetchCommand(plugins: Command, terminal: Terminal): void {
  const options = [
    new Option('--plugins <list>', 'comma-separated items to fetch if no ITEM is given').env('KPLUG_PLUGINS'),
    new Option('--plugins-dir <dir>', 'plugins directory').env('KPLUG_PLUGINS_DIR').default('./plugins'),
    new Option('--plugins-base-url <url>', 'base URL of releases (default: https://github.com)').env(
      'KPLUG_PLUGINS_BASE_URL',
    ),
    new Option(
      '--plugins-name-pattern <name>',
      'archive name in a release (default: kplug_plugin_{os}_{arch}.tar.gz)',
    ).env('KPLUG_PLUGINS_NAME_PATTERN'),
    new Option('--allow-writable-plugins-dir [boolean]', 'download even if other users may change that directory').env(
      'KPLUG_ALLOW_WRITABLE_PLUGINS_DIR',
    ),
    new Option('--attempts <number>', 'maximum number of attempts for each item').default('3'),
  ];
  addOptions(plugins.command('fetch'), options)
    .description('download plugin releases to a plugins directory; needs no operator')
    .argument('[item...]', 'ORG/REPOSITORY@RELEASE, optionally with #sha256:HEX')
    .addHelpText('after', aboutFetching)
    .addHelpText(
      'after',
      examples(
        'kplug plugins fetch example/postgresql@v1.2.0',
        'KPLUG_PLUGINS=example/mariadb@v2,example/sqlite@v1 kplug plugins fetch',
      ),
    )
    .action(async (items: string[], given: FetchPluginsOptions) => {
      const { fetchPlugins } = await import('../actions/fetch-plugins.ts');
      await fetchPlugins(items, given, terminal);
    });
}

const aboutFetching = `
Keeps plugins that are already in the directory. Verifies and unpacks an
archive before it moves the plugin into place in one step.
Exits with 3 when all failures are missing releases, and with 1 for any other
failure, such as a wrong checksum.`;
