import { stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { DevOutput } from '../dev/dev-output.ts';
import { DevSession } from '../dev/dev-session.ts';
import { commandTarget, findTargets } from '../dev/find-targets.ts';
import { type Key, Keys, keys } from '../dev/keys.ts';
import type { DevPlace } from '../dev/read-dev-configuration.ts';
import type { Target } from '../dev/target.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug dev`. */
export type DevOptions = DevPlace;

/** Exit code of a process that was ended by SIGINT, by the convention of shells. */
const interrupted = 130;

/**
 * Runs an operator and plugins from their sources until it is stopped. Rejects with `CommandError` when something is missing.
 *
 * @param command command that starts the plugin, instead of what is found.
 */
export async function dev(
  paths: readonly string[],
  command: readonly string[],
  options: DevOptions,
  terminal: Terminal,
): Promise<void> {
  const cwd = process.cwd();
  const [program, ...args] = command;
  const targets = program === undefined ? await findTargets(paths, cwd) : [commandTarget([program, ...args], cwd)];
  const project = await projectOf(paths, cwd);
  const width = () => (terminal.isTerminal ? process.stdout.columns : undefined);
  const output = new DevOutput(terminal, width);
  const areFound = program === undefined;
  await using session = new DevSession({ targets, areFound, project, place: options, output });
  let stops = 0;
  const stop = () => {
    // The guard of the operator kills the processes that are left.
    if (++stops > 1) process.exit(interrupted);
    session.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const hasKeys = terminal.isTerminal && process.stdin.isTTY;
  output.print(bannerOf(targets, hasKeys, terminal));
  using _ = hasKeys ? readKeys(session, output, stop) : undefined;
  await session.run();
}

/** Returns the folder with the configuration and the manifests: the one that is named alone, else the current directory. */
async function projectOf(paths: readonly string[], cwd: string): Promise<string> {
  const [only, ...others] = paths.map((path) => resolve(cwd, path));
  if (only === undefined || others.length > 0) return cwd;
  return (await stat(only)).isDirectory() ? only : cwd;
}

function bannerOf(targets: readonly Target[], hasKeys: boolean, { colors }: Terminal): string {
  const shown = targets.map(({ name, folder, entry, language }) => {
    const place = relative(process.cwd(), folder) || '.';
    return `  ${colors.bold(name)}  ${language === 'go' ? `go build in ${place}` : entry}`;
  });
  const help = hasKeys
    ? 'r reconcile  f filter  p statuses  u page  c clear  ? help  q quit'
    : 'Ctrl-C or SIGTERM stops it.';
  return [
    `${colors.green('kplug dev')} runs from sources, and again after each change:`,
    ...shown,
    colors.dim(help),
    '',
  ].join('\n');
}

/** Reads keys until the returned object is disposed. */
function readKeys(session: DevSession, output: DevOutput, stop: () => void): Disposable {
  const { colors } = output;
  const prompt = (text: string) => process.stdout.write(`\r\u001b[2K${colors.bold('filter:')} ${text}`);
  const press: Record<Key, () => void> = {
    r: () => session.reconcileAll(),
    f: () => reader.ask(),
    p: () => session.printStatuses(),
    u: () => void session.openPage(),
    c: () => process.stdout.write('\u001b[H\u001b[2J\u001b[3J'),
    '?': () => output.print(keys.map(({ key, does }) => `  ${colors.bold(key)}  ${does}`).join('\n')),
    q: stop,
  };
  const reader = new Keys(process.stdin, {
    press: (key) => press[key](),
    type: prompt,
    answer: (text) => {
      process.stdout.write('\r\u001b[2K');
      if (text === undefined) return;
      output.filter = text;
      output.print(colors.dim(text ? `showing only what contains "${text}"; f and Enter show all` : 'showing all'));
    },
    interrupt: stop,
  });
  reader.start();
  return { [Symbol.dispose]: () => reader.stop() };
}
