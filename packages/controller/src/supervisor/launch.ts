import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { IdentityIssuer } from '../resources/cluster-services.ts';
import type { FolderAccess } from './folder-access.ts';
import type { Guard } from './guard.ts';
import { ProcessIdentity } from './identity.ts';
import type { Program } from './program.ts';

/** Exit code of the launch script when it did not start the program. */
export const notStarted = 125;

/**
 * Launch script. It waits for a line on descriptor 3, which comes once the guard knows the process group, and then becomes the
 * program. It exits when the controller ends before that.
 */
const script = `read -r go <&3 || exit ${notStarted}
exec 3<&-
ulimit -c 0
if [ -n "$1" ]; then ulimit -n "$1" || exit ${notStarted}; fi
shift
exec "$@"`;

/** Variables that all processes inherit from the controller. */
const alwaysInherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

/** Starts programs: each in a separate process group, with limits, and without the rest of the controller's environment. */
export class Launcher {
  readonly #guard: Guard;
  readonly #access: FolderAccess;
  readonly #inherited: readonly string[];
  readonly #identities: IdentityIssuer | undefined;
  #prefix: Promise<readonly string[]> | undefined;

  /**
   * @param inherited names of further variables that processes inherit from the controller.
   * @param identities issuer of ServiceAccount tokens; missing where there are no ServiceAccounts.
   */
  constructor(guard: Guard, access: FolderAccess, inherited: readonly string[], identities?: IdentityIssuer) {
    this.#guard = guard;
    this.#inherited = [...alwaysInherited, ...inherited];
    this.#access = access;
    this.#identities = identities;
  }

  /** Issues the identity of a program with a ServiceAccount. Rejects when that fails. */
  async identify({ serviceAccount }: Program, log: Logger): Promise<ProcessIdentity | undefined> {
    if (serviceAccount === undefined) return undefined;
    if (this.#identities) return ProcessIdentity.issue(this.#identities, serviceAccount, log);
    throw new Error('serviceAccount needs a cluster, and this operator runs without one; remove the field');
  }

  /** Starts a program. Rejects when others may change its files, or when the process can't be started or guarded. */
  async launch(
    { command, directory, environment, resources, files: programFiles }: Program,
    own: Record<string, string>,
  ): Promise<ChildProcess> {
    const fault = await this.#access.findFault(programFiles);
    if (fault) throw new Error(fault);
    this.#prefix ??= findPrefix();
    const prefix = await this.#prefix;
    const files = String(resources.openFiles ?? '');
    const child = spawn('/bin/sh', ['-c', script, 'kplug-launch', files, ...prefix, ...command], {
      cwd: directory,
      detached: true,
      env: { ...environmentOf(this.#inherited), ...environment, ...own },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    await started(child);
    const { pid } = child;
    if (pid === undefined) throw new Error('the process has no ID');
    try {
      await this.#guard.add(pid);
      if (resources.niceness) setPriority(pid, resources.niceness);
    } catch (error) {
      child.kill('SIGKILL');
      this.#guard.remove(pid);
      throw error;
    }
    const go = child.stdio[3];
    if (go && 'end' in go) {
      // Writing fails when the process was killed before, which its exit reports.
      go.on('error', () => undefined);
      go.end('go\n');
    }
    return child;
  }

  /** Forgets a process group that has ended. */
  forget(pid: number): void {
    this.#guard.remove(pid);
  }
}

/** Returns variables of this process by their names. */
function environmentOf(names: readonly string[]): Record<string, string> {
  const { env } = process;
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`/bin/sh can't be started: ${messageOf(error)}`, { cause: error })),
    );
  });
}

/** Returns a `setpriv` prefix where util-linux is installed: no new privileges, and the kernel kills the process with its parent. */
async function findPrefix(): Promise<readonly string[]> {
  const prefix = ['setpriv', '--no-new-privs', '--pdeathsig', 'KILL', '--'];
  const [program = '', ...args] = prefix;
  return promisify(execFile)(program, [...args, 'true'], { env: environmentOf(alwaysInherited) }).then(
    () => prefix,
    // Without it there is still the guard.
    () => [],
  );
}
