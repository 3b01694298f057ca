import type { Stats } from 'node:fs';
import { Parser, type ReadEntry, Unpack } from 'tar';
import { ArchiveCheck, type ArchiveLimits, printable, unsupported } from './archive-check.ts';
import { feed } from './archive-reader.ts';

// Program that unpacks an archive, in a process of its own. It may import only `tar`, modules of Node.js, and files that nothing else
// imports, so that a bundler does not put it into a file that runs something else.

/** Path of this program. */
export const unpackProgram = import.meta.filename;

/** Task of the program, as JSON in its first argument. */
export interface UnpackTask {
  archive: string;
  /** Empty folder that receives the content. */
  folder: string;
  limits: ArchiveLimits;
  /** Maximum size of the decompressed archive, with its headers, in bytes. */
  maxStreamBytes: number;
  /** Maximum length of the reason in the result, in characters. */
  maxFaultLength: number;
}

/** Result that the program prints, as JSON. */
export interface UnpackResult {
  /** Reason why the archive was not unpacked. */
  fault?: string;
}

/** Permissions that entries keep. Other users may write none of them, and setuid, setgid and sticky bits are removed. */
const allowedMode = 0o755;
/** Permissions that each entry has, so that it can be replaced and removed. */
const requiredMode = { Directory: 0o700, File: 0o600 };

async function unpack(task: UnpackTask): Promise<void> {
  // Nothing is written before all entries are checked.
  await check(task);
  const { archive, folder, limits, maxStreamBytes } = task;
  const { maxDepth } = limits;
  const options = { strict: true, preserveOwner: false, dmode: 0o755, maxDepth, filter: limitMode };
  await feed(archive, new Unpack({ cwd: folder, ...options }) as unknown as Parser, maxStreamBytes);
}

async function check({ archive, limits, maxStreamBytes }: UnpackTask): Promise<void> {
  const entries = new ArchiveCheck(limits);
  const parser = new Parser({ strict: true });
  const refuse = (fault: string | undefined) => {
    if (fault) parser.emit('error', new Error(fault));
  };
  parser.on('meta', (content: string) => refuse(entries.findHeaderFault(content)));
  parser.on('ignoredEntry', ({ path, type }: ReadEntry) => refuse(unsupported(path, type)));
  parser.on('entry', (entry: ReadEntry) => {
    refuse(entries.findFault(entry));
    entry.resume();
  });
  await feed(archive, parser, maxStreamBytes);
}

function limitMode(_: string, entry: Stats | ReadEntry): boolean {
  const required = 'type' in entry && entry.type === 'Directory' ? requiredMode.Directory : requiredMode.File;
  entry.mode = ((entry.mode ?? 0) & allowedMode) | required;
  return true;
}

async function main(text: string): Promise<void> {
  // The input ends with the parent, even when that is killed. Exiting would wait for reads and writes in progress.
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  const task = JSON.parse(text) as UnpackTask;
  let result: UnpackResult = {};
  try {
    await unpack(task);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    result = { fault: printable(reason.slice(0, task.maxFaultLength)) };
  }
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

const [, program, task] = process.argv;
if (program === import.meta.filename && task !== undefined) await main(task);
