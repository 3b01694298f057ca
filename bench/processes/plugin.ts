import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import { serveCommands, sharedNow } from './commands.ts';

/** Resource and time of a call. */
interface Arrival {
  name: string;
  at: number;
}

let calls = 0;
let arrivals: Arrival[] | undefined;
let running: RunningPlugin | undefined;

interface ServeOptions {
  controller: string;
  name: string;
  instanceId: string;
  /** Token, and file with the CA of the controller. Default: plain text. */
  token?: string;
  tlsCa?: string;
  /** Record each call. */
  recording?: boolean;
  /** Return the same status for the base and each extension in each call. */
  reporting?: boolean;
}

/** Plugin that does nothing, to measure the cost of a pass without a plugin. */
const commands = {
  /** Serves. Returns the address. */
  async serve({ controller, name, instanceId, recording, reporting, ...security }: ServeOptions): Promise<string> {
    if (recording) arrivals = [];
    const plugin = definePlugin({
      name,
      version: '1.0.0',
      api: 'DatabaseTable@1.0.0',
      reconcile({ base, extensions }) {
        calls++;
        arrivals?.push({ name: base.metadata.name, at: sharedNow() });
        if (!reporting) return;
        const statuses = extensions.all('Option').map((extension) => ({ extension, status: { partitions: 4 } }));
        return { status: { rows: 2 }, extensions: statuses };
      },
    });
    running = await plugin.serve({ controller, instanceId, ...security, logLevel: 'silent' });
    return running.address.replace(/^:/, '127.0.0.1:');
  },

  /** Stops serving. */
  stop: () => running?.stop(),

  /** Serves as soon as the controller listens. */
  async serveWhenOpen(options: ServeOptions): Promise<string> {
    while (!(await isOpen(options.controller))) await sleep(1);
    return commands.serve(options);
  },

  calls: () => calls,

  /** Returns the calls since the last call of this. */
  arrivals(): Arrival[] {
    const seen = arrivals ?? [];
    arrivals = [];
    return seen;
  },
};

export type PluginCommands = typeof commands;

serveCommands(commands);

async function isOpen(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
