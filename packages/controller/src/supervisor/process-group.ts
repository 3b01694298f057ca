import { readdir, readFile } from 'node:fs/promises';

/** Sends a signal to a process group. Returns false when it has ended. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process group has a process that isn't dead. Those that are dead and that nobody asked after don't count. */
export async function groupLives(group: number): Promise<boolean> {
  if (!signalGroup(group, 0)) return false;
  const names = await readdir('/proc').catch(() => undefined);
  if (!names) return true;
  const processes = names.filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(processes.map((name) => stateIn(group, name)));
  return states.some((state) => state !== undefined && state !== 'Z' && state !== 'X');
}

/** The state of a process in a group, by its letter; `undefined` for one that isn't in it. */
async function stateIn(group: number, pid: string): Promise<string | undefined> {
  // The name in brackets may hold anything.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(pgrp) === group ? state : undefined;
}
