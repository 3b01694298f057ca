import type { Command } from 'commander';
import type { DescribePluginOptions } from '../actions/describe-plugin.ts';
import type { ListPluginsOptions } from '../actions/list-plugins.ts';
import type { WatchOptions } from '../actions/watch-plugins.ts';
import type { Terminal } from '../output/terminal.ts';
import { addOptions, examples, operatorOptions, outputOption } from './options.ts';

/** `kplug plugins` and what is below it. */
export function addPluginsCommand(program: Command, terminal: Terminal): void {
  const plugins = program
    .command('plugins')
    .description("show the plugins that an operator knows; asks the operator's admin port")
    .addHelpText(
      'after',
      examples(
        'kplug plugins',
        'kplug plugins list --api DatabaseTable -o wide',
        'kplug plugins describe PostgreSQL',
        'kplug plugins watch -o json',
        'kplug plugins --cluster',
      ),
    );
  addListCommand(plugins, terminal);
  addDescribeCommand(plugins, terminal);
  addWatchCommand(plugins, terminal);
}

function addListCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('list', { isDefault: true }), operatorOptions())
    .description('list the instances known now')
    .option('--api <api>', 'only those that implement this plugin API')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', examples('kplug plugins list', 'kplug plugins list --api DatabaseTable -o wide'))
    .action(async (options: ListPluginsOptions) => {
      const { listPlugins } = await import('../actions/list-plugins.ts');
      await listPlugins(options, terminal);
    });
}

function addDescribeCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('describe'), operatorOptions())
    .description('describe a plugin: its APIs, instances and resources')
    .argument('<plugin>', "the plugin's name, in any case")
    .addOption(outputOption(['text', 'json', 'yaml']))
    .addHelpText('after', examples('kplug plugins describe PostgreSQL'))
    .action(async (name: string, options: DescribePluginOptions) => {
      const { describePlugin } = await import('../actions/describe-plugin.ts');
      await describePlugin(name, options, terminal);
    });
}

function addWatchCommand(plugins: Command, terminal: Terminal): void {
  addOptions(plugins.command('watch'), operatorOptions())
    .description('list the instances known now, and then each change as it happens, until interrupted')
    .option('--api <api>', 'only those that implement this plugin API')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', examples('kplug plugins watch', 'kplug plugins watch -o json | jq .state'))
    .action(async (options: WatchOptions) => {
      const { watchPlugins } = await import('../actions/watch-plugins.ts');
      await watchPlugins(options, terminal);
    });
}
