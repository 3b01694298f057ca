import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Writable } from 'node:stream';

/** Options of a temporary database server. */
export interface ServerOptions {
  /** Folder of the server, removed after its exit. */
  directory: string;
  /** Command that initializes the data, with its arguments. */
  prepare: string[];
  /** Command of the server, with its arguments. */
  serve: string[];
  /** Output of the server when it is ready. */
  ready: RegExp;
  /** Signal that stops the server immediately. Its data is discarded, so it need not stop gracefully. */
  stopSignal: 'QUIT' | 'KILL';
  /** User to run the server as. Default: that of this process. */
  runAs?: { uid: number; gid: number } | undefined;
}

/** Server that stops with this process, even if this process is killed. */
export interface ServerProcess {
  /** Stops the server and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

// A shell guards the server: it stops the server when descriptor 3 is closed, which the exit of this process does, also on
// SIGKILL. Signal handlers in this process, which could interfere with those of the program, are not needed. The signal is
// repeated, as a server ignores it during startup.
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

const startTimeout = 60_000;

/** Starts a server and waits until it is ready. Rejects with its output if it exits before, or is not ready after 60 s. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { directory, prepare, serve, ready, stopSignal, runAs } = options;
  const command = ['-c', guard, 'guard', directory, stopSignal, quote(prepare), quote(serve)];
  // In its own process group, the server gets no SIGINT on Ctrl-C.
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
    const fail = (what: string) => reject(new Error(`${serve[0]} ${what}. Output:\n${written}`));
    Promise.all([ended, ...closed]).then(() => fail('exited before it was ready'), reject);
    timer = setTimeout(() => fail(`was not ready after ${startTimeout / 1000} s`), startTimeout);
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

/** Finds a free TCP port of the loopback interface. */
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
