import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { defaultPluginTimes, eventually, PluginProcess } from '@kplug/conformance';
import { untilStopped } from '@kplug/operator';
import { formatJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import type { Terminal } from '../output/terminal.ts';
import { Recorder } from '../record/recorder.ts';

/** Options of `kplug record`. */
export interface RecordOptions {
  controller: string;
  listen: string;
}

/** Records the calls of plugins that send heartbeats to it, until a signal arrives or the started plugin exits. */
export async function record(
  file: string,
  command: readonly string[],
  { controller, listen }: RecordOptions,
  terminal: Terminal,
): Promise<void> {
  // The file contains whole resources, possibly with secrets, so only its owner may read it.
  const output = createWriteStream(file, { flags: 'a', mode: 0o600 });
  await once(output, 'open').catch((cause: Error) => {
    throw new CommandError('usage', `cannot write ${file}: ${cause.message}`, { cause });
  });
  let calls = 0;
  const recorder = await Recorder.start(controller, listen, (call) => {
    calls++;
    output.write(`${formatJson(call)}\n`);
  });
  const hint = command.length === 0 ? `; start plugins with KPLUG_CONTROLLER=${recorder.address}` : '';
  terminal.say(`recording to ${file}${hint}`);
  try {
    if (command.length === 0) await untilStopped();
    else await recordCommand(command, recorder.address);
  } finally {
    await recorder.close();
    output.end();
    await once(output, 'close');
  }
  terminal.say(`recorded ${calls} ${calls === 1 ? 'call' : 'calls'} in ${file}`);
}

async function recordCommand(command: readonly string[], address: string): Promise<void> {
  await using plugin = await PluginProcess.start(command, { KPLUG_CONTROLLER: address }, process.stderr);
  await Promise.race([untilStopped(), eventually(() => plugin.exit, Number.POSITIVE_INFINITY)]);
  if (plugin.exit === undefined) plugin.terminate();
  const exit = await eventually(() => plugin.exit, defaultPluginTimes.stop);
  if (exit !== 0)
    throw new CommandError('failed', `the plugin exited with ${exit}: ${plugin.output.trim().slice(-500)}`);
}
