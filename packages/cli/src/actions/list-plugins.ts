import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { hostedRows, problemsOf } from '../output/hosted-plugins.ts';
import { formatPluginList } from '../output/message.ts';
import { pluginTable } from '../output/plugin-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug plugins list`. */
export interface ListPluginsOptions extends OperatorChoice {
  api?: string;
  output: 'table' | 'wide' | 'json' | 'yaml';
}

/** Prints the plugin instances of an operator. */
export async function listPlugins(options: ListPluginsOptions, terminal: Terminal): Promise<void> {
  const { api = '', output } = options;
  const client = await AdminClient.of(options);
  const response = await client.listPlugins({ api });
  // The API of a plugin is unknown until it has registered.
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
  for (const problem of problemsOf(hosted)) terminal.say(problem);
}
