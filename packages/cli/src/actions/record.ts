import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { untilStopped } from '@kplug/operator';
import { PluginProcess } from '../../../conformance/src/plugin/plugin-process.ts';
import { until } from '../../../conformance/src/until.ts';
import { CommandError } from '../command-error.ts';
import type { Terminal } from '../output/terminal.ts';
import { Recorder } from '../record/recorder.ts';

/** What is recorded. */
export interface RecordOptions {
  controller: string;
  listen: string;
}

/** Records the calls of the plugins that beat here, until it is interrupted or the plugin that it started ends. */
export async function record(
  file: string,
  command: readonly string[],
  { controller, listen }: RecordOptions,
  terminal: Terminal,
): Promise<void> {
  // Resources are in it, and whatever is in these: for its owner's eyes alone.
  const output = createWriteStream(file, { flags: 'a', mode: 0o600 });
  await once(output, 'open').catch((cause: Error) => {
    throw new CommandError('usage', `the file ${file} can't be written: ${cause.message}`, { cause });
  });
  let calls = 0;
  const recorder = await Recorder.start(controller, listen, (call) => {
    calls++;
    output.write(`${JSON.stringify(call)}\n`);
  });
  terminal.say(`recording into ${file}; plugins beat to KPLUG_CONTROLLER=${recorder.address}`);
  try {
    if (command.length === 0) await untilStopped();
    else await recordCommand(command, recorder.address);
  } finally {
    await recorder.close();
    output.end();
    await once(output, 'close');
  }
  terminal.say(`${calls} calls in ${file}`);
}

async function recordCommand(command: readonly string[], address: string): Promise<void> {
  await using plugin = await PluginProcess.start(command, { KPLUG_CONTROLLER: address });
  await Promise.race([untilStopped(), until(() => plugin.ending, Number.POSITIVE_INFINITY)]);
  if (plugin.ending === undefined) plugin.terminate();
  const ending = await until(() => plugin.ending, 40_000);
  if (ending !== 0)
    throw new CommandError('failed', `the plugin ended with ${ending}: ${plugin.output.trim().slice(-500)}`);
}
