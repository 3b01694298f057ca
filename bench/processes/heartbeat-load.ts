import { LoadConnection, type LoadTarget } from '../http2-load/connection.ts';
import { grpcMessage } from '../http2-load/frames.ts';
import { serveCommands, sharedNow } from './commands.ts';
import { tokenOf } from './plugin-identities.ts';
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
async function unaryLoad(options: LoadOptions): Promise<Load> {
  let running = false;
  let outstanding = 0;
  let idle = Promise.withResolvers<void>();
  const connections = indexes(options).map((index) => {
    const body = grpcMessage(heartbeatBytes(index, certificateOf(options)));
    const sendHeartbeat = () => {
      outstanding++;
      connection.request(heartbeatPath, body);
    };
    const connection: LoadConnection = new LoadConnection(targetOf(options, index), {
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
async function sessionLoad(options: LoadOptions): Promise<Load> {
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
  for (const index of indexes(options)) {
    const connection = new LoadConnection(targetOf(options, index), {
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
    const send = connection.openStream(sessionPath);
    send(grpcMessage(sessionStartBytes(index, certificateOf(options))));
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

/**
 * Opens the connections of all instances at once, each with a session, or with a unary heartbeat. Resolves when all of them have been
 * answered.
 */
async function storm(options: LoadOptions): Promise<LoadConnection[]> {
  const opened = indexes(options).map((index) => {
    const answered = Promise.withResolvers<void>();
    const isUnary = options.way === 'unary';
    const connection = new LoadConnection(targetOf(options, index), {
      onAnswer: () => (isUnary ? answered.resolve() : answered.reject(new Error('the server ended a session'))),
      onMessage: () => isUnary || answered.resolve(),
      onPong: () => undefined,
    });
    const certificate = certificateOf(options);
    if (isUnary) connection.request(heartbeatPath, grpcMessage(heartbeatBytes(index, certificate)));
    else connection.openStream(sessionPath)(grpcMessage(sessionStartBytes(index, certificate)));
    return { connection, answered: Promise.all([connection.opened, answered.promise]) };
  });
  await Promise.all(opened.map(({ answered }) => answered));
  return opened.map(({ connection }) => connection);
}

const heartbeatPath = '/kplug.v1.RegistryService/Heartbeat';
const sessionPath = '/kplug.v1.RegistryService/Session';

interface LoadOptions {
  port: number;
  way: 'unary' | 'session';
  /** Index of the first instance. */
  first: number;
  instances: number;
  /** CA of the server, and the certificate in Base64 that all instances register. Default: plain text, without tokens. */
  secured?: { ca: string; certificate: string } | undefined;
}

/** Time of issue of all tokens, so that an instance keeps its token when it connects again. */
const issuedAt = Math.floor(Date.now() / 1_000);

function targetOf({ port, secured }: LoadOptions, index: number): LoadTarget {
  return secured ? { port, ca: secured.ca, token: tokenOf(index, issuedAt) } : { port };
}

function certificateOf({ secured }: LoadOptions): Uint8Array | undefined {
  return secured && Buffer.from(secured.certificate, 'base64');
}

let load: Load | undefined;

/** Instances that send heartbeats as fast as the server reads them. */
const commands = {
  async connect(options: LoadOptions): Promise<void> {
    load = await (options.way === 'unary' ? unaryLoad(options) : sessionLoad(options));
  },

  start: () => load?.start(),

  stop: () => load?.stop(),

  /** Connects all instances at once, and disconnects them. Returns the time until all were accepted, in milliseconds. */
  async storm(options: LoadOptions): Promise<number> {
    const startedAt = sharedNow();
    const connections = await storm(options);
    const time = sharedNow() - startedAt;
    await Promise.all(connections.map((connection) => connection.close()));
    return time;
  },

  async disconnect(): Promise<void> {
    await Promise.all((load?.connections ?? []).map((connection) => connection.close()));
    load = undefined;
  },
};

export type LoadCommands = typeof commands;

serveCommands(commands);

function indexes({ first, instances }: LoadOptions): number[] {
  return Array.from({ length: instances }, (_, index) => first + index);
}
