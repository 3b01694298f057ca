import { join } from 'node:path';
import { z } from 'zod';
import { KplugError, messageOf } from '../../errors.ts';
import { formatCheckedLine, readCheckedLines } from '../../files/checked-lines.ts';
import { hasCode } from '../../files/system-error.ts';
import type { StoredResource } from '../memory/persistence.ts';
import type { ResourceKey } from '../resource.ts';
import { formatStateRecord, parseRecord, type ResourceState, readStateRecord, type StateRecord } from './state-file.ts';

/** Version of the format of the journal. */
const formatVersion = 2;

/** Content of a state journal. */
export interface StateJournal {
  /** State of each resource by its key; `undefined` for one that is gone. */
  states: Map<ResourceKey, ResourceState | undefined>;
  /** Damaged lines. A damaged end that only an interrupted write explains is none. */
  corrupt: { line: number; message: string }[];
  /** Size of the valid content, in bytes. `undefined`: lines before valid ones are damaged, or there is no journal. */
  size: number | undefined;
  /** Size that the journal would have without outdated lines, in bytes. */
  compactedSize: number;
}

const headerSchema = z.object({ format: z.literal('kplug-states'), formatVersion: z.int() });

/** Last record of a resource. */
interface LastRecord {
  line: number;
  size: number;
  record: StateRecord;
}

/** Returns the path of the journal in Kplug's folder. */
export function journalOf(folder: string): string {
  return join(folder, 'states.jsonl');
}

/** Formats the first line of a journal. */
export function formatHeader(): string {
  return formatCheckedLine(JSON.stringify({ format: 'kplug-states', formatVersion }));
}

/** Formats the state of a resource, or its removal, as a line of the journal. */
export function formatRecord(key: ResourceKey, stored: StoredResource | undefined, source: string): string {
  return formatCheckedLine(formatStateRecord(key, stored && { ...stored, source }));
}

/**
 * Reads a journal. Another process may be appending to it. Of a damaged journal, all valid lines count. Rejects with `StorageFailed`
 * when it can't be read or has the format of a newer version.
 */
export async function readJournal(file: string): Promise<StateJournal> {
  const journal: StateJournal = { states: new Map(), corrupt: [], size: undefined, compactedSize: 0 };
  const last = new Map<ResourceKey, LastRecord>();
  let size: number;
  try {
    size = await readLines(file, last, journal);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return journal;
    if (cause instanceof KplugError) throw cause;
    throw new KplugError('StorageFailed', `${file} can't be read: ${messageOf(cause)}.`, { cause });
  }
  for (const record of last.values()) readLast(record, journal);
  if (journal.corrupt.length === 0 && size > 0) journal.size = size;
  return journal;
}

/** Reads all lines, and returns the offset of the end of the last valid one. Damaged lines at the end are not reported. */
async function readLines(file: string, last: Map<ResourceKey, LastRecord>, journal: StateJournal): Promise<number> {
  let damaged: number[] = [];
  let offset = 0;
  let end = 0;
  for await (const { number, size, json } of readCheckedLines(file)) {
    offset += size;
    if (json === undefined) {
      damaged.push(number);
      continue;
    }
    for (const line of damaged) journal.corrupt.push({ line, message: 'the line is damaged' });
    damaged = [];
    end = offset;
    if (number === 1) checkHeader(file, json);
    else addRecord(json, { line: number, size }, last, journal);
  }
  return end;
}

function checkHeader(file: string, json: string): void {
  const { data } = headerSchema.safeParse(JSON.parse(json));
  if (data?.formatVersion === formatVersion) return;
  const what = data
    ? `has format version ${data.formatVersion}, and this version of Kplug reads ${formatVersion}`
    : 'is not a journal of states';
  throw new KplugError(
    'StorageFailed',
    `${file} ${what}. Use the version of Kplug that wrote it, or move the file away.`,
  );
}

/** Keeps only the last record of each resource, as most of its earlier ones are long. */
function addRecord(
  json: string,
  position: { line: number; size: number },
  last: Map<ResourceKey, LastRecord>,
  { corrupt }: StateJournal,
): void {
  const record = parseRecord(json);
  if (record) last.set(record.key, { ...position, record });
  else corrupt.push({ line: position.line, message: 'the line is no record of a state' });
}

function readLast({ line, size, record }: LastRecord, journal: StateJournal): void {
  try {
    journal.states.set(record.key, record.removed ? undefined : readStateRecord(record));
    if (!record.removed) journal.compactedSize += size;
  } catch (error) {
    journal.corrupt.push({ line, message: `the line is invalid: ${messageOf(error)}` });
  }
}
