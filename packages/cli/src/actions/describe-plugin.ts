import { AdminClient } from '../admin-client.ts';
import { CommandError } from '../command-error.ts';
import type { OperatorChoice } from '../find-operator.ts';
import { formatPluginList } from '../output/message.ts';
import { describePlugin as formatDescription } from '../output/plugin-description.ts';
import type { Terminal } from '../output/terminal.ts';

/** How a plugin is described. */
export interface DescribePluginOptions extends OperatorChoice {
  output: 'text' | 'json' | 'yaml';
}

/** Prints all that an operator knows of a plugin. */
export async function describePlugin(name: string, options: DescribePluginOptions, terminal: Terminal): Promise<void> {
  const client = await AdminClient.of(options);
  const response = await client.listPlugins({ plugin: name });
  const { instances } = response;
  if (instances.length === 0) throw await unknownPlugin(name, client);
  if (options.output === 'text') {
    const resources = await client.listResources();
    terminal.print(formatDescription({ instances, resources }, terminal.colors, Date.now()));
  } else {
    terminal.print(formatPluginList(response, options.output));
  }
}

async function unknownPlugin(name: string, client: AdminClient): Promise<CommandError> {
  const { instances } = await client.listPlugins();
  const others = [...new Set(instances.map(({ registration }) => registration?.plugin))].join(', ');
  const there = others ? `there are ${others}` : 'there are none';
  return new CommandError('notFound', `no plugin ${name} is registered with the operator at ${client.url}; ${there}`);
}
