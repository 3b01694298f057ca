import { ConformanceError } from '../errors.ts';
import { addressOf, PluginRun } from './plugin-run.ts';

/** Heartbeat interval that the plugin is granted, in milliseconds. */
const interval = 5_000;

/** A plugin that a command starts for itself. It ends with its scope. */
export interface StartedPlugin extends AsyncDisposable {
  /** Address at which it serves, as `host:port`. */
  address: string;
  protocol: 'kplug.v1' | 'kplug';
  /** Name that it reports in heartbeats of the protocol kplug. */
  name?: string;
}

/**
 * Starts a plugin by a shell command and waits until it has registered. Rejects with a `ConformanceError` with its output if it doesn't.
 */
export async function startPlugin(command: string): Promise<StartedPlugin> {
  const run = await PluginRun.start({ command: ['sh', '-c', command], interval });
  const dispose = () => run[Symbol.asyncDispose]();
  try {
    const protocol = await run.protocol();
    if (!protocol) throw describeStart(command, run);
    if (protocol === 'kplug.v1') {
      return { protocol, address: addressOf(run.registered), [Symbol.asyncDispose]: dispose };
    }
    const { address = '', name = '' } = run.registry.v0Heartbeats[0]?.information ?? {};
    return { protocol, address, name, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function describeStart(command: string, { process, times }: PluginRun): ConformanceError {
  const { exit, output } = process;
  const end = exit === undefined ? `did not register within ${times.start / 1_000} s` : `ended with ${exit}`;
  const said = output.trim();
  return new ConformanceError('Unreachable', `the plugin "${command}" ${end}${said ? `: ${said}` : ''}`);
}
