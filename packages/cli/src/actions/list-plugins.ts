import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { hostedRows, troublesOf } from '../output/hosted-plugins.ts';
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
  // Which API a plugin implements isn't known before it has registered.
  const hosted = api ? undefined : await client.listHosted();
  if (output === 'json' || output === 'yaml') {
    terminal.print(formatPluginList(response, hosted, output));
    return;
  }
  const { colors } = terminal;
  const now = Date.now();
  const wide = output === 'wide';
  const absent = hostedRows(hosted, { wide, colors, now });
  if (response.instances.length + absent.length === 0) {
    const which = api ? ` of the API ${api}` : '';
    terminal.say(`No plugin${which} is registered with the operator at ${client.url}.`);
  } else {
    const { header, rows } = pluginTable(response.instances, { wide, colors, now });
    terminal.print(formatTable({ header, rows: [...rows, ...absent] }, colors));
  }
  for (const trouble of troublesOf(hosted)) terminal.say(trouble);
}
