import { AdminClient } from '../admin-client.ts';
import type { OperatorChoice } from '../find-operator.ts';
import { formatPluginList } from '../output/message.ts';
import { pluginTable } from '../output/plugin-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Which plugins are listed, and how. */
export interface ListPluginsOptions extends OperatorChoice {
  api?: string;
  output: 'table' | 'wide' | 'json' | 'yaml';
}

/** Prints the plugin instances that an operator knows now. */
export async function listPlugins(options: ListPluginsOptions, terminal: Terminal): Promise<void> {
  const { api = '', output } = options;
  const client = await AdminClient.of(options);
  const response = await client.listPlugins({ api });
  if (output === 'json' || output === 'yaml') {
    terminal.print(formatPluginList(response, output));
  } else if (response.instances.length === 0) {
    const which = api ? ` of the API ${api}` : '';
    terminal.say(`No plugin${which} is registered with the operator at ${client.url}.`);
  } else {
    const { colors } = terminal;
    const content = pluginTable(response.instances, { wide: output === 'wide', colors, now: Date.now() });
    terminal.print(formatTable(content, colors));
  }
}
