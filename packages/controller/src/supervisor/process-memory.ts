import { readFile } from 'node:fs/promises';

/**
 * The memory that a process and those that it started have in RAM, in bytes, by `/proc`; what they share is counted for each.
 * `undefined` where that can't be told.
 */
export async function residentMemory(pid: number): Promise<number | undefined> {
  const own = await textOf(`/proc/${pid}/status`);
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(own) ?? [];
  if (!kilobytes) return undefined;
  const children = (await textOf(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean);
  const theirs = await Promise.all(children.map((child) => residentMemory(Number(child))));
  return theirs.reduce<number>((sum, one) => sum + (one ?? 0), Number(kilobytes) * 1_024);
}

/** Empty for a process that has ended meanwhile. */
async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
