import { readFileSync } from 'node:fs';

/** Returns how many file descriptors this process may open; `undefined` where that is unknown or unlimited. */
export function maxDescriptors(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** Returns a number of connections that leaves descriptors for the rest of the process: at most a share, in percent, of all. */
export function withinDescriptors(wanted: number, share: number): number {
  const all = maxDescriptors();
  return all === undefined ? wanted : Math.max(1, Math.min(wanted, Math.floor((all * share) / 100)));
}
