import type { HostedPlugin } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { describeHosted } from '../output/hosted-plugins.ts';
import { formatPluginList } from '../output/message.ts';
import { describePlugin as formatDescription } from '../output/plugin-description.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug plugins describe`. */
export interface DescribePluginOptions extends OperatorChoice {
  output: 'text' | 'json' | 'yaml';
}

/** Prints the APIs, instances and resources of a plugin. */
export async function describePlugin(name: string, options: DescribePluginOptions, terminal: Terminal): Promise<void> {
  const client = await AdminClient.of(options);
  const response = await client.listPlugins({ plugin: name });
  const { instances } = response;
  const folder = await client.listHosted();
  const hosted = folder && { ...folder, plugins: folder.plugins.filter((one) => isNamed(one, name)), downloads: [] };
  if (instances.length === 0 && !hosted?.plugins.length) throw await unknownPlugin(name, client);
  if (options.output === 'text') {
    const resources = await client.listResources();
    const registered = instances.length > 0 && formatDescription({ instances, resources }, terminal.colors, Date.now());
    const own = (hosted?.plugins ?? []).map((one) => describeHosted(one, terminal.colors, Date.now()));
    terminal.print([registered, ...own].filter(Boolean).join('\n\n'));
  } else {
    terminal.print(formatPluginList(response, hosted, options.output));
  }
}

/** Reports whether the plugin or its file has a name. */
function isNamed({ name, plugin }: HostedPlugin, wanted: string): boolean {
  return [name, plugin].some((one) => one.toLowerCase() === wanted.toLowerCase());
}

async function unknownPlugin(name: string, client: AdminClient): Promise<CommandError> {
  const { instances } = await client.listPlugins();
  const others = [...new Set(instances.map(({ registration }) => registration?.plugin))].join(', ');
  const registered = others ? `registered: ${others}` : 'no plugin is registered';
  return new CommandError(
    'notFound',
    `no plugin ${name} is registered with the operator at ${client.url}; ${registered}`,
  );
}
