import { type FileHandle, open } from 'node:fs/promises';

/** File that is open until the end of a block. */
interface OpenFile extends AsyncDisposable {
  handle: FileHandle;
}

/** Opens a file for reading. Rejects with the error of the system. File handles are not disposable under Yarn's Plug'n'Play. */
export async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r');
  return { handle, [Symbol.asyncDispose]: () => handle.close() };
}
