import { LoadConnection } from '../http2-load/connection.ts';
import { grpcMessage } from '../http2-load/frames.ts';
import { serveCommands } from './commands.ts';
import { heartbeatBytes, sessionHeartbeatBytes, sessionStartBytes } from './registrations.ts';

/** Number of rounds of heartbeats in sessions that are in flight, so that the server need not wait for the next one. */
const roundsOnTheWay = 2;

/** Load of some instances. Each sends heartbeats on its own connection. */
interface Load {
  start(): void;
  /** Resolves when no heartbeat is in flight. */
  stop(): Promise<void>;
  connections: readonly LoadConnection[];
}

/** Instances that send unary heartbeats. As in a plugin, each call follows the response to the previous one. */
async function unaryLoad({ port, first, instances }: LoadOptions): Promise<Load> {
  let running = false;
  let outstanding = 0;
  let idle = Promise.withResolvers<void>();
  const connections = range(first, instances).map((index) => {
    const body = grpcMessage(heartbeatBytes(index));
    const sendHeartbeat = () => {
      outstanding++;
      connection.request('/kplug.v1.RegistryService/Heartbeat', body);
    };
    const connection: LoadConnection = new LoadConnection(port, {
      onAnswer() {
        outstanding--;
        if (running) sendHeartbeat();
        else if (outstanding === 0) idle.resolve();
      },
      onPong: () => undefined,
    });
    return { connection, sendHeartbeat };
  });
  await Promise.all(connections.map(({ connection }) => connection.opened));
  return {
    connections: connections.map(({ connection }) => connection),
    start() {
      running = true;
      idle = Promise.withResolvers();
      for (const { sendHeartbeat } of connections) sendHeartbeat();
    },
    stop() {
      running = false;
      return idle.promise;
    },
  };
}

/**
 * Instances that send heartbeats in sessions, in rounds of one each. These have no response, so each round ends with a ping on the last
 * connection, and its acknowledgement starts the next round but one.
 */
async function sessionLoad({ port, first, instances }: LoadOptions): Promise<Load> {
  const heartbeat = grpcMessage(sessionHeartbeatBytes());
  const connections: LoadConnection[] = [];
  const senders: ((message: Uint8Array) => void)[] = [];
  let running = false;
  let outstanding = 0;
  let idle = Promise.withResolvers<void>();
  const round = () => {
    outstanding++;
    for (const send of senders) send(heartbeat);
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
  /** Index of the first instance. */
  first: number;
  instances: number;
}

let load: Load | undefined;

/** Instances that send heartbeats as fast as the server reads them. */
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
