import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { removeDurably, writeDurably } from '../../files/write-durably.ts';
import type { ResourceKey } from '../resource.ts';
import { readText } from './read-text.ts';

/** Deletion of a resource that no file defines any more. */
export interface PendingDeletion {
  key: ResourceKey;
  uid: string;
  /** Path of the file that defined the resource last, relative to the directory, with `/`. */
  source: string;
}

/** File of the state folder that lists the deletions that the operator holds. */
const heldFile = 'held-deletions.json';

/** File of the state folder by which a user confirms them. */
const confirmationFile = 'confirmed-deletions.json';

const heldSchema = z.object({
  formatVersion: z.literal(1),
  deletions: z.array(z.object({ key: z.string(), uid: z.string(), source: z.string() })),
});

const confirmationSchema = z.object({ formatVersion: z.literal(1), digest: z.string() });

/** Returns a text that identifies a set of deletions, whatever their order. */
export function digestOf(deletions: readonly PendingDeletion[]): string {
  const lines = deletions.map(({ key, uid }) => `${key} ${uid}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** Reads the deletions that an operator holds, or held when it stopped. */
export async function readHeldDeletions(folder: string): Promise<PendingDeletion[]> {
  return (await readState(join(folder, heldFile), heldSchema))?.deletions ?? [];
}

/** Writes the deletions that the operator holds; removes the file when there are none. */
export async function writeHeldDeletions(folder: string, deletions: readonly PendingDeletion[]): Promise<void> {
  const file = join(folder, heldFile);
  if (deletions.length === 0) await removeDurably(file);
  else await writeDurably(file, format({ formatVersion: 1, deletions }), folder);
}

/** Returns the digest of the deletions that a user has confirmed; `undefined` when there is no confirmation. */
export async function readConfirmation(folder: string): Promise<string | undefined> {
  return (await readState(join(folder, confirmationFile), confirmationSchema))?.digest;
}

/** Confirms deletions. The operator makes them if they are still exactly those that it would make. */
export async function writeConfirmation(folder: string, deletions: readonly PendingDeletion[]): Promise<void> {
  await writeDurably(join(folder, confirmationFile), format({ formatVersion: 1, digest: digestOf(deletions) }), folder);
}

/** Removes the confirmation, if there is one. */
export async function removeConfirmation(folder: string): Promise<void> {
  await removeDurably(join(folder, confirmationFile));
}

/** Reads a file of the state folder; `undefined` when it doesn't exist. An invalid file counts as missing: nothing is deleted then. */
async function readState<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function format(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
