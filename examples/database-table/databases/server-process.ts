import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Writable } from 'node:stream';

/** What a throw-away database server is started with. */
export interface ServerOptions {
  /** The server's own folder, removed when it has ended. */
  directory: string;
  /** Makes the data: a command and its arguments. */
  prepare: string[];
  /** The server: a command and its arguments. */
  serve: string[];
  /** What the server writes when it can be used. */
  ready: RegExp;
  /** The signal that ends the server at once. Its data is thrown away, so it needn't be graceful. */
  stopSignal: 'QUIT' | 'KILL';
  /** As whom the server runs. Default: as whom this process runs. */
  runAs?: { uid: number; gid: number } | undefined;
}

/** A server that lives no longer than this process, however this process ends. */
export interface ServerProcess {
  /** Ends the server and removes its folder. May be called again. */
  stop(): Promise<void>;
}

// A shell stands between: it ends the server when descriptor 3 does, and that ends with this process, also on SIGKILL.
// So no signal handlers are needed here, which would get into the way of the program's own. The signal is repeated, as a
// server ignores it while it starts.
const guard = `
directory=$1 signal=$2 prepare=$3 serve=$4
if eval "$prepare" 3<&-; then
  eval "exec $serve" 3<&- & server=$!
  exec >/dev/null 2>&1
  { cat <&3; while kill -"$signal" "$server"; do sleep 0.1; done; } & watch=$!
  wait "$server"
  kill "$watch"
fi
rm -rf "$directory"
`;

const startLimit = 60_000;

/** Starts a server and waits until it can be used. Rejects with what it wrote when it ends before, or takes over 60 s. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { directory, prepare, serve, ready, stopSignal, runAs } = options;
  const command = ['-c', guard, 'guard', directory, stopSignal, quote(prepare), quote(serve)];
  // A process group of its own keeps Ctrl-C from reaching the server before this process has decided what to do.
  const child = spawn('/bin/sh', command, { ...runAs, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const lifeline = child.stdio[3] as Writable;
  const outputs = [child.stdout, child.stderr].filter((output) => output !== null);
  const closed = outputs.map((output) => once(output, 'close'));
  const ended = once(child, 'exit').finally(() => lifeline.destroy());
  const stop = async () => {
    lifeline.destroy();
    await ended;
  };

  let written = '';
  let timer: NodeJS.Timeout | undefined;
  const isReady = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      written = (written + chunk).slice(-10_000);
      if (ready.test(written)) resolve();
    };
    for (const output of outputs) output.on('data', read);
    const fail = (what: string) => reject(new Error(`${serve[0]} ${what}. It wrote:\n${written}`));
    Promise.all([ended, ...closed]).then(() => fail('ended before it could be used'), reject);
    timer = setTimeout(() => fail(`wasn't ready after ${startLimit / 1000} s`), startLimit);
  });
  try {
    await isReady;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { stop };
}

/** A TCP port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free TCP port was found on 127.0.0.1.');
  return address.port;
}

function quote(command: string[]): string {
  return command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
