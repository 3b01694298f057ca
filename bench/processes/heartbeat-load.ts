import { LoadConnection } from '../http2-load/connection.ts';
import { grpcMessage } from '../http2-load/frames.ts';
import { serveCommands } from './commands.ts';
import { beatBytes, heartbeatBytes, sessionStartBytes } from './registrations.ts';

/** How many rounds of beats in sessions may be on the way at once, so that the server needn't wait for the next one. */
const roundsOnTheWay = 2;

/** What some instances do: each beats on a connection of its own. */
interface Load {
  start(): void;
  /** Fulfilled when nothing is on the way any more. */
  stop(): Promise<void>;
  connections: readonly LoadConnection[];
}

/** Instances that beat by single calls: as in a plugin, the next call follows the answer to the last one. */
async function unaryLoad({ port, first, instances }: LoadOptions): Promise<Load> {
  let running = false;
  let outstanding = 0;
  let idle = Promise.withResolvers<void>();
  const connections = range(first, instances).map((index) => {
    const body = grpcMessage(heartbeatBytes(index));
    const beat = () => {
      outstanding++;
      connection.request('/kplug.v1.RegistryService/Heartbeat', body);
    };
    const connection: LoadConnection = new LoadConnection(port, {
      onAnswer() {
        outstanding--;
        if (running) beat();
        else if (outstanding === 0) idle.resolve();
      },
      onPong: () => undefined,
    });
    return { connection, beat };
  });
  await Promise.all(connections.map(({ connection }) => connection.opened));
  return {
    connections: connections.map(({ connection }) => connection),
    start() {
      running = true;
      idle = Promise.withResolvers();
      for (const { beat } of connections) beat();
    },
    stop() {
      running = false;
      return idle.promise;
    },
  };
}

/**
 * Instances that beat in sessions, in rounds of one beat each. Beats aren't answered, so each round ends with a ping on the
 * last connection, and its return is what the next round but one waits for.
 */
async function sessionLoad({ port, first, instances }: LoadOptions): Promise<Load> {
  const beat = grpcMessage(beatBytes());
  const connections: LoadConnection[] = [];
  const senders: ((message: Uint8Array) => void)[] = [];
  let running = false;
  let outstanding = 0;
  let idle = Promise.withResolvers<void>();
  const round = () => {
    outstanding++;
    for (const send of senders) send(beat);
    connections.at(-1)?.ping();
  };
  for (const index of range(first, instances)) {
    const connection = new LoadConnection(port, {
      onAnswer() {
        throw new Error('the server ended a session');
      },
      onPong() {
        outstanding--;
        if (running) round();
        else if (outstanding === 0) idle.resolve();
      },
    });
    await connection.opened;
    const send = connection.openStream('/kplug.v1.RegistryService/Session');
    send(grpcMessage(sessionStartBytes(index)));
    connections.push(connection);
    senders.push(send);
  }
  return {
    connections,
    start() {
      running = true;
      idle = Promise.withResolvers();
      for (let count = 0; count < roundsOnTheWay; count++) round();
    },
    stop() {
      running = false;
      return idle.promise;
    },
  };
}

interface LoadOptions {
  port: number;
  way: 'unary' | 'session';
  /** The number of the first instance. */
  first: number;
  instances: number;
}

let load: Load | undefined;

/** Instances that beat as fast as they are heard. */
const commands = {
  async connect(options: LoadOptions): Promise<void> {
    load = await (options.way === 'unary' ? unaryLoad(options) : sessionLoad(options));
  },

  start: () => load?.start(),

  stop: () => load?.stop(),

  async disconnect(): Promise<void> {
    await Promise.all((load?.connections ?? []).map((connection) => connection.close()));
    load = undefined;
  },
};

export type LoadCommands = typeof commands;

serveCommands(commands);

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
