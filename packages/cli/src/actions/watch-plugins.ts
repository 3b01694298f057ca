import { toJson } from '@bufbuild/protobuf';
import { type PluginInstance, PluginInstanceSchema, printableJson } from '@kplug/protocol';
import { interruption } from '../input/interruption.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { clockTime } from '../output/clock-time.ts';
import { formatDocument } from '../output/document.ts';
import { formatState } from '../output/plugin-table.ts';
import { plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug plugins watch`. */
export interface WatchOptions extends OperatorChoice {
  api?: string;
  output: 'table' | 'wide' | 'json' | 'yaml';
}

/** Prints the plugin instances and each change, until SIGINT or SIGTERM. Rejects when the operator ends the watch. */
export async function watchPlugins(options: WatchOptions, terminal: Terminal): Promise<void> {
  const { api = '', output } = options;
  const client = await AdminClient.of(options);
  for await (const { event } of client.watchPlugins({ api }, interruption())) {
    if (event.case === 'instance') terminal.print(formatChange(event.value, output, terminal));
  }
}

/** Formats a change as a text line, a JSON line or a YAML document. */
function formatChange(instance: PluginInstance, output: WatchOptions['output'], { colors }: Terminal): string {
  if (output === 'json') return printableJson(JSON.stringify(toJson(PluginInstanceSchema, instance)));
  if (output === 'yaml') return `---\n${formatDocument(toJson(PluginInstanceSchema, instance), 'yaml')}`;
  const { registration, stateReason } = instance;
  const { plugin = '', version = '', address = '', instanceId = '' } = registration ?? {};
  const time = clockTime();
  const wide = output === 'wide' ? [plain(instanceId)] : [];
  return [
    time,
    formatState(instance, colors),
    plain(`${plugin} ${version}`),
    plain(address),
    ...wide,
    plain(stateReason),
  ]
    .filter(Boolean)
    .join('   ');
}
