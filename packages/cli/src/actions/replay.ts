import { describeFailure, getInfoOver } from '@kplug/controller/tools';
import { formatJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { readDuration } from '../input/read-duration.ts';
import { type PluginTlsOptions, readPluginChannel } from '../input/read-plugin-channel.ts';
import { formatTable, plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { readCalls } from '../record/read-calls.ts';
import { type ReplayedCall, replayCalls } from '../record/replay-calls.ts';

/** Options of `kplug replay`. */
export interface ReplayOptions extends PluginTlsOptions {
  plugin: string;
  timeout: string;
  output: 'table' | 'json';
}

/** Repeats recorded calls and prints the differences of the answers. Rejects when there are any. */
export async function replay(file: string, options: ReplayOptions, terminal: Terminal): Promise<void> {
  const { plugin, output } = options;
  const timeout = readDuration(options.timeout, '--timeout');
  const calls = await readCalls(file);
  const channel = await readPluginChannel(plugin, options);
  await getInfoOver(channel, plugin, {}).catch((cause: unknown) => {
    const reason = channel.explain(describeFailure(cause));
    throw new CommandError(
      'unreachable',
      `no plugin answers at ${plugin}: ${reason}; start it, or give another address`,
      {
        cause,
      },
    );
  });
  const replayed: ReplayedCall[] = [];
  for await (const call of replayCalls(calls, plugin, timeout, channel)) replayed.push(call);
  terminal.print(output === 'json' ? formatJson(replayed, 2) : table(replayed, terminal));
  const differing = replayed.filter(({ differences }) => differences.length > 0).length;
  if (differing > 0) throw new CommandError('failed', `${differing} of ${replayed.length} answers differ`);
  terminal.say(`${replayed.length} calls, no differences`);
}

function table(replayed: readonly ReplayedCall[], { colors }: Terminal): string {
  const rows = replayed.map(({ method, resource, differences }, index) => {
    const result = differences.length > 0 ? colors.red('differs') : colors.green('same');
    return [String(index + 1), method, plain(resource), result, differences.map(plain).join('\n')];
  });
  return formatTable({ header: ['NO', 'CALL', 'RESOURCE', 'ANSWER', 'DIFFERENCES'], rows }, colors);
}
