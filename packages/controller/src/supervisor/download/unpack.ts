import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { text } from 'node:stream/consumers';
import { messageOf } from '../../errors.ts';
import { MiB } from '../../limits/limit.ts';
import { limits } from '../../limits/limits.ts';
import { residentMemory } from '../process-memory.ts';
import { DownloadFailure } from './download-failure.ts';
import type { UnpackResult, UnpackTask } from './unpack-program.ts';

/** Limits of an archive's content, and of unpacking it. */
export interface UnpackLimits {
  /** Maximum size of all files together, in bytes. */
  maxBytes: number;
  /** Maximum number of files, folders and links together. */
  maxFiles: number;
  /** Maximum time of unpacking, in milliseconds. */
  maxTime: number;
}

const { maxPathLength, maxNameLength, maxDepth, maxFaultLength, headerSpace, unpackHeap, unpackMemory } =
  limits.downloads;
const { memoryInterval } = limits.pluginsFolder;

/** Niceness of the process: the plugins and the controller come first. */
const niceness = 10;

/**
 * Unpacks an archive into an empty folder, in a process of its own without the controller's environment. An archive is refused before
 * anything is written if it contains an absolute path, `..`, a link out of the folder, a device, a sparse file or colliding names, or
 * exceeds the limits. Rejects with a `DownloadFailure`, or with the reason of the signal. Nothing writes to the folder afterwards.
 */
export async function unpack(
  archive: string,
  folder: string,
  { maxTime, maxBytes, maxFiles }: UnpackLimits,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const task: UnpackTask = {
    archive,
    folder,
    limits: { maxBytes, maxFiles, maxPathLength, maxNameLength, maxDepth },
    maxStreamBytes: maxBytes + maxFiles * headerSpace + MiB,
    maxFaultLength,
  };
  // Loaded on demand, so that a bundler keeps the program in a file of its own.
  const { unpackProgram } = await import('./unpack-program.ts');
  const args = [`--max-old-space-size=${unpackHeap / MiB}`, unpackProgram, JSON.stringify(task)];
  const child = spawn(process.execPath, args, { cwd: folder, env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
  const fault = await faultOf(child, maxTime, signal);
  signal?.throwIfAborted();
  if (fault) throw new DownloadFailure('DownloadFailed', `invalid archive ${archive}: ${fault}`, true);
}

/** Waits for the end of the process. Returns the reason why the archive was not unpacked, if there is one. */
async function faultOf(child: ChildProcess, maxTime: number, signal?: AbortSignal): Promise<string | undefined> {
  let killReason: string | undefined;
  const kill = (reason: string) => {
    killReason ??= reason;
    child.kill('SIGKILL');
  };
  const onAbort = () => kill('aborted');
  const timer = setTimeout(() => kill(`unpacking it takes more than ${maxTime} ms`), maxTime);
  const tooLarge = `unpacking it needs more than ${unpackMemory / MiB} MiB of memory`;
  const memoryTimer = setInterval(() => {
    if (child.pid === undefined) return;
    void residentMemory(child.pid).then((used = 0) => used > unpackMemory && kill(tooLarge));
  }, memoryInterval);
  signal?.addEventListener('abort', onAbort);
  // Writing fails when the process has ended, which is dealt with below.
  child.stdin?.on('error', () => undefined);
  try {
    const output = child.stdout ? text(child.stdout) : '';
    const closed = once(child, 'close');
    closed.catch(() => undefined);
    await once(child, 'spawn');
    if (child.pid !== undefined) lowerPriority(child.pid);
    const [code, killedBy] = await closed;
    if (killReason) return killReason;
    const result = readResult(await output);
    if (result) return result.fault;
    return killedBy === 'SIGABRT' ? tooLarge : `unpacking it failed with ${killedBy ?? `exit code ${code}`}`;
  } catch (cause) {
    throw new DownloadFailure('DownloadFailed', `the archive can't be unpacked: ${messageOf(cause)}`, false, { cause });
  } finally {
    clearTimeout(timer);
    clearInterval(memoryTimer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended, or this system does not allow it. The priority only matters for speed.
  }
}

/** Reads the output of the program. Returns `undefined` when it ended without a result. */
function readResult(output: string): UnpackResult | undefined {
  try {
    return JSON.parse(output) as UnpackResult;
  } catch {
    return undefined;
  }
}
