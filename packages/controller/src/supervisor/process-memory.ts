import { readFile } from 'node:fs/promises';

/**
 * Reads the resident memory of a process and its children from `/proc`, in bytes. Shared memory counts for each process. Returns
 * `undefined` where it can't be read.
 */
export async function residentMemory(pid: number): Promise<number | undefined> {
  const own = await textOf(`/proc/${pid}/status`);
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(own) ?? [];
  if (!kilobytes) return undefined;
  const children = (await textOf(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean);
  const theirs = await Promise.all(children.map((child) => residentMemory(Number(child))));
  return theirs.reduce<number>((sum, one) => sum + (one ?? 0), Number(kilobytes) * 1_024);
}

/** Reads a file of `/proc`; empty when the process has exited. */
async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
