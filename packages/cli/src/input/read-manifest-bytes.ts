import { collectUpTo, maxManifestSize, readUpTo } from '@kplug/controller/tools';

/** Reads a manifest file; `-` is standard input. Returns `undefined` when it is too large. Rejects with the error of the system. */
export function readManifestBytes(file: string): Promise<Buffer | undefined> {
  return file === '-' ? collectUpTo(process.stdin, maxManifestSize) : readUpTo(file, maxManifestSize);
}

/** Describes the error of the system for which a file can't be read. */
export function describeReadError(error: unknown): string {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return isMissing ? 'the file does not exist' : (error as Error).message;
}
