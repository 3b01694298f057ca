import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { defaultPluginTimes, eventually, PluginProcess } from '@kplug/conformance';
import { untilStopped } from '@kplug/operator';
import { formatJson } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { type HeartbeatAccessOptions, readAccess } from '../input/read-heartbeat-access.ts';
import type { Terminal } from '../output/terminal.ts';
import type { RecordedCall } from '../record/recorded-call.ts';
import { Recorder } from '../record/recorder.ts';
import { openRelayTls } from '../record/relay-tls.ts';

/** Options of `kplug record`. */
export interface RecordOptions extends HeartbeatAccessOptions {
  controller: string;
  listen: string;
}

/** Records the calls of plugins that send heartbeats to it, until a signal arrives or the started plugin exits. */
export async function record(
  file: string,
  command: readonly string[],
  { controller, listen, ...access }: RecordOptions,
  terminal: Terminal,
): Promise<void> {
  const operator = await readAccess(access);
  const tls = access.ca === undefined ? undefined : await openRelayTls(access.ca);
  // The file contains whole resources, possibly with secrets, so only its owner may read it.
  const output = createWriteStream(file, { flags: 'a', mode: 0o600 });
  await once(output, 'open').catch((cause: Error) => {
    throw new CommandError('usage', `cannot write ${file}: ${cause.message}`, { cause });
  });
  let calls = 0;
  const onCall = (call: RecordedCall) => {
    calls++;
    output.write(`${formatJson(call)}\n`);
  };
  const recorder = await Recorder.start({ address: controller, access: operator, tls }, listen, onCall);
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

/** Environment of a started plugin, which talks to the recorder in plain text, whatever the settings of the user's shell. */
function environmentFor(address: string): Record<string, string> {
  const tls = ['KPLUG_TLS_CA', 'KPLUG_TLS_CERT', 'KPLUG_TLS_KEY', 'KPLUG_TLS_SERVER_NAME'];
  return { KPLUG_CONTROLLER: address, ...Object.fromEntries(tls.map((name) => [name, ''])) };
}

async function recordCommand(command: readonly string[], address: string): Promise<void> {
  await using plugin = await PluginProcess.start(command, environmentFor(address), process.stderr);
  await Promise.race([untilStopped(), eventually(() => plugin.exit, Number.POSITIVE_INFINITY)]);
  if (plugin.exit === undefined) plugin.terminate();
  const exit = await eventually(() => plugin.exit, defaultPluginTimes.stop);
  if (exit !== 0)
    throw new CommandError('failed', `the plugin exited with ${exit}: ${plugin.output.trim().slice(-500)}`);
}
