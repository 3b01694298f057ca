import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { IdentityIssuer } from '../resources/cluster-services.ts';
import type { Guard } from './guard.ts';
import { ProcessIdentity } from './identity.ts';
import type { Program } from './program.ts';

/** What the launcher exits with when the program was not started. */
export const notStarted = 125;

/**
 * Waits until it is told to go on, by when the guard knows the group, and then becomes the program. When the controller ends
 * before that, so does this.
 */
const script = `read -r go <&3 || exit ${notStarted}
exec 3<&-
ulimit -c 0
if [ -n "$1" ]; then ulimit -n "$1" || exit ${notStarted}; fi
shift
exec "$@"`;

/** What the processes get of the controller's own environment. */
const inherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

/** Starts programs: each in a process group of its own, with limits, and with nothing of the controller's environment. */
export class Launcher {
  readonly #guard: Guard;
  readonly #identities: IdentityIssuer | undefined;
  #prefix: Promise<readonly string[]> | undefined;

  /** @param identities missing where there are no ServiceAccounts. */
  constructor(guard: Guard, identities?: IdentityIssuer) {
    this.#guard = guard;
    this.#identities = identities;
  }

  /** The rights that a program is to have of its own, if any. Rejects when they can't be had. */
  async identify({ serviceAccount }: Program, log: Logger): Promise<ProcessIdentity | undefined> {
    if (serviceAccount === undefined) return undefined;
    if (this.#identities) return ProcessIdentity.issue(this.#identities, serviceAccount, log);
    throw new Error('its serviceAccount is of a cluster, and this operator runs on none; leave it out');
  }

  /** Starts a program. Rejects when there is no process, or it can't be guarded. */
  async launch(
    { command, directory, environment, resources }: Program,
    own: Record<string, string>,
  ): Promise<ChildProcess> {
    this.#prefix ??= findPrefix();
    const prefix = await this.#prefix;
    const files = String(resources.openFiles ?? '');
    const child = spawn('/bin/sh', ['-c', script, 'kplug-launch', files, ...prefix, ...command], {
      cwd: directory,
      detached: true,
      env: { ...inheritedEnvironment(process.env), ...environment, ...own },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    await started(child);
    const { pid } = child;
    if (pid === undefined) throw new Error('the process has no id');
    try {
      await this.#guard.keep(pid);
      if (resources.niceness) setPriority(pid, resources.niceness);
    } catch (error) {
      child.kill('SIGKILL');
      this.#guard.drop(pid);
      throw error;
    }
    const go = child.stdio[3];
    if (go && 'end' in go) {
      // A process that was killed before it was told to go on tells so by its exit.
      go.on('error', () => undefined);
      go.end('go\n');
    }
    return child;
  }

  /** The group has ended. */
  forget(pid: number): void {
    this.#guard.drop(pid);
  }
}

function inheritedEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(inherited.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`/bin/sh can't be started: ${messageOf(error)}`, { cause: error })),
    );
  });
}

/** Where util-linux's `setpriv` is there, processes can't gain privileges, and the kernel kills them with their parent. */
async function findPrefix(): Promise<readonly string[]> {
  const prefix = ['setpriv', '--no-new-privs', '--pdeathsig', 'KILL', '--'];
  const [program = '', ...args] = prefix;
  return promisify(execFile)(program, [...args, 'true'], { env: inheritedEnvironment(process.env) }).then(
    () => prefix,
    // Other systems do without it; the guard is there all the same.
    () => [],
  );
}
