import { messageOf } from '../../errors.ts';
import { fingerprintOf } from '../../files/fingerprint.ts';
import { openFile } from '../../files/open-file.ts';
import { readUpTo } from '../../files/read-up-to.ts';
import { hasCode } from '../../files/system-error.ts';
import { finishInSlices } from '../../queue/slices.ts';
import { type ManifestFile, maxManifestSize, parseManifestsInSteps, tooLarge } from '../manifest.ts';
import { endOf, type TextEnd } from './text-end.ts';

/** Content of a file, and the end of its text. */
export interface FileContent extends ManifestFile {
  end: TextEnd;
}

/**
 * Reads a file of manifests. Never rejects: failures are among the file's problems. Returns `undefined` when the file no longer has the
 * fingerprint, because it is being written or is gone.
 */
export async function readManifestFile(file: string, fingerprint: string): Promise<FileContent | undefined> {
  let bytes: Buffer | undefined;
  try {
    await using opened = await openFile(file);
    const { handle } = opened;
    bytes = await readUpTo(handle, maxManifestSize);
    if (fingerprintOf(await handle.stat({ bigint: true })) !== fingerprint) return undefined;
  } catch (error) {
    return hasCode(error, 'ENOENT') ? undefined : broken(file, `The file can't be read: ${messageOf(error)}.`);
  }
  if (!bytes) return broken(file, tooLarge);
  const text = decode(bytes);
  if (text === undefined) return broken(file, 'The file is not UTF-8 text.');
  return { ...(await finishInSlices(parseManifestsInSteps(text, { file }))), end: endOf(text) };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function broken(file: string, message: string): FileContent {
  return { manifests: [], problems: [{ file, message }], end: 'complete' };
}
