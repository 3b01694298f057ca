import type { BigIntStats } from 'node:fs';

/** Fingerprint of an empty file. Files are empty for a moment while many programs save them. */
export const emptyFingerprint = 'empty';

/** Returns a text that differs between two contents of a file, from its metadata. */
export function fingerprintOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return size === 0n ? emptyFingerprint : `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}
