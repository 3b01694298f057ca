import { readdir, readFile } from 'node:fs/promises';

/** Sends a signal to a process group. Returns false when the group has ended. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Reports whether a process group has a running process. Zombies don't count. */
export async function groupLives(group: number): Promise<boolean> {
  if (!signalGroup(group, 0)) return false;
  const names = await readdir('/proc').catch(() => undefined);
  if (!names) return true;
  const processes = names.filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(processes.map((name) => stateIn(group, name)));
  return states.some((state) => state !== undefined && state !== 'Z' && state !== 'X');
}

/** Returns the state letter of a process in a group; `undefined` for a process of another group. */
async function stateIn(group: number, pid: string): Promise<string | undefined> {
  // The command name in parentheses may contain spaces and parentheses.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(pgrp) === group ? state : undefined;
}
