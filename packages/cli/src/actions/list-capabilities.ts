import { formatYaml } from '@kplug/controller/tools';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { capabilitiesOf, capabilityTable } from '../output/capabilities.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug capabilities`. */
export interface ListCapabilitiesOptions extends OperatorChoice {
  category?: string;
  output: 'table' | 'json' | 'yaml';
}

/** Prints the capabilities that resources may ask for. */
export async function listCapabilities(options: ListCapabilitiesOptions, terminal: Terminal): Promise<void> {
  const { category, output } = options;
  const client = await AdminClient.of(options);
  const { instances } = await client.listPlugins({ api: '' });
  const capabilities = capabilitiesOf(instances).filter((one) => !category || isSame(one.category, category));
  if (output === 'json') terminal.print(JSON.stringify({ capabilities }, undefined, 2));
  else if (output === 'yaml') terminal.print(formatYaml({ capabilities }));
  else if (capabilities.length > 0) terminal.print(formatTable(capabilityTable(capabilities), terminal.colors));
  else {
    const which = category ? ` of the category ${category}` : '';
    terminal.say(`No plugin provides a capability${which} to the operator at ${client.url}.`);
  }
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
