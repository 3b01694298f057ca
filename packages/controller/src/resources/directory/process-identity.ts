import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { hasCode } from '../../files/system-error.ts';

/**
 * Identity of a process. A process ID alone is not enough, as another program may have it later, and as each container counts from 1.
 * The optional fields exist on Linux.
 */
export interface ProcessIdentity {
  pid: number;
  /** Name of the machine or the container. */
  host: string;
  /** ID that the machine got when it booted. */
  bootId?: string | undefined;
  /** Namespace that the process ID belongs to. */
  pidNamespace?: string | undefined;
  /** Time at which the process started, in clock ticks since the machine booted. */
  startTime?: string | undefined;
}

/** State of a process. `unknown`: it can't be seen from here, or can't be told from a later one with the same process ID. */
export type ProcessState = 'running' | 'gone' | 'unknown';

let own: Promise<ProcessIdentity> | undefined;

/** Returns the identity of this process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= readOwn();
  return own;
}

async function readOwn(): Promise<ProcessIdentity> {
  const [bootId, pidNamespace, { startTime }] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim(), notKnown),
    readlink('/proc/self/ns/pid').catch(notKnown),
    readProcess(process.pid),
  ]);
  return { pid: process.pid, host: hostname(), bootId, pidNamespace, startTime };
}

/** Reports whether the process with an identity still runs. */
export async function stateOfProcess(other: ProcessIdentity): Promise<ProcessState> {
  const { bootId, pidNamespace, host } = await ownIdentity();
  const isSeen =
    bootId === undefined ? other.host === host : other.bootId === bootId && other.pidNamespace === pidNamespace;
  if (!isSeen) return 'unknown';
  if (!exists(other.pid)) return 'gone';
  const { startTime, isEnded } = await readProcess(other.pid);
  if (isEnded) return 'gone';
  if (startTime === undefined || other.startTime === undefined) return 'unknown';
  return startTime === other.startTime ? 'running' : 'gone';
}

/** Reports whether a process with an ID exists in this PID namespace. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Signalling a process of another user fails with EPERM, but the process exists.
    return !hasCode(error, 'ESRCH');
  }
}

/** Reports whether a process is known to run another program than this one. */
export async function isOtherProgram(pid: number): Promise<boolean> {
  const program = await readlink(`/proc/${pid}/exe`).catch(notKnown);
  return program !== undefined && basename(program) !== basename(process.execPath);
}

/** Returns the time at which this machine booted, in milliseconds since the epoch; `undefined` if it isn't known. */
export async function bootTime(): Promise<number | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(notKnown);
  const [, seconds] = /^btime (\d+)$/m.exec(text ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

async function readProcess(pid: number): Promise<{ startTime?: string; isEnded?: boolean }> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(notKnown);
  if (text === undefined) return {};
  // The second field, the name of the program, is in parentheses and may have spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const startTime = fields[19];
  return { isEnded: state === 'Z' || state === 'X', ...(startTime !== undefined && { startTime }) };
}

/** Result for data that can't be read: the system has no `/proc`, or hides the processes of other users. */
function notKnown(): undefined {
  return undefined;
}
