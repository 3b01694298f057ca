import { open, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { KplugError, messageOf } from '../errors.ts';
import { privacyFault } from '../files/private-file.ts';
import { hasCode } from '../files/system-error.ts';
import { type FileAccess, writeDurably } from '../files/write-durably.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { entryFault, hashToken, makeToken, type PreviousToken, parseTokenFile, type TokenEntry } from './token-file.ts';

const { maxFileSize, lockTimeout, lockRetryInterval } = limits.authentication;

const header = ` Tokens of plugins, for the flag --heartbeat-tokens of an operator. It has only hashes of them.
 Change it with \`kplug token create\`, \`rotate\` and \`revoke\`; a running operator reads it again.`;

/** Token to be created. */
export interface NewToken {
  /** Name of the token, for people; unique in the file. */
  name: string;
  /** Names of the plugins that may use it, with `*` and `?` as wildcards. */
  plugins: readonly string[];
  /** Expiry. Default: none. */
  expires?: Date;
}

/** Reads the tokens of a file. Rejects with `NotFound`, and with `InvalidConfiguration` for a file that can't be used. */
export async function listTokens(file: string): Promise<TokenEntry[]> {
  const read = await readTokens(file);
  if (!read) throw missing(file);
  return read.entries;
}

/**
 * Creates a token, and the file if it doesn't exist, which only its owner may read. Returns the token, which is stored nowhere. Rejects
 * with `Conflict` if the name is in use, and with `InvalidConfiguration`.
 */
export async function createToken(file: string, { name, plugins, expires }: NewToken): Promise<string> {
  const token = makeToken();
  const entry = {
    name,
    hash: hashToken(token),
    plugins: [...plugins],
    created: new Date().toISOString(),
    ...(expires && { expires: expires.toISOString() }),
  };
  const fault = entryFault(entry);
  if (fault) throw invalid(`the token can't be created: ${fault}`);
  await change(file, (read) => {
    const { entries, document } = read ?? { entries: [], document: newDocument() };
    if (entries.some((one) => isNamed(one, name))) {
      const message = `${file} already has a token ${name}; use another name, or revoke it first`;
      throw new KplugError('Conflict', message);
    }
    tokensOf(document).add(document.createNode(entry));
    return document;
  });
  return token;
}

/** Options of a rotation. */
export interface RotationOptions {
  /** Time in milliseconds for which the former token stays valid, but never after its expiry. Default 1 hour; 0 to 30 days. */
  overlap?: number;
  /** Expiry of the new token. Default: after the lifetime that the former one had. */
  expires?: Date;
}

/** Rotated token. */
export interface RotatedToken {
  /** The new token, which is stored nowhere. */
  token: string;
  entry: TokenEntry;
}

/**
 * Creates a token that replaces the one with a name, with the same plugins and lifetime. The former one stays valid for the overlap, and
 * both have the same instances. Rejects with `NotFound`, with `Conflict` while a token from an earlier rotation is still valid and the
 * overlap is not 0, and with `InvalidConfiguration`.
 */
export async function rotateToken(
  file: string,
  name: string,
  { overlap: given, expires: givenExpiry }: RotationOptions = {},
): Promise<RotatedToken> {
  const overlap = readLimit(limitTable.authentication.rotationOverlap, given);
  const token = makeToken();
  let rotated: TokenEntry | undefined;
  await change(file, (read) => {
    const { document, entry, index } = findToken(file, read, name);
    const now = Date.now();
    const expires = givenExpiry ?? nextExpiry(file, entry, now);
    const previous = previousOf(file, entry, now, overlap);
    rotated = {
      name: entry.name,
      hash: hashToken(token),
      plugins: entry.plugins,
      created: new Date(now).toISOString(),
      ...(expires && { expires: expires.toISOString() }),
      ...(previous && { previous }),
    };
    const node = tokenAt(document, index);
    for (const field of ['hash', 'created', 'expires', 'previous'] as const) {
      if (rotated[field] === undefined) node.delete(field);
      else node.set(field, document.createNode(rotated[field]));
    }
    return document;
  });
  if (!rotated) throw new TypeError('the file was changed without a rotation');
  return { token, entry: rotated };
}

/** Removes a token from a file, and the one that it replaced. Rejects with `NotFound` if the file or the token doesn't exist, and with `InvalidConfiguration`. */
export async function revokeToken(file: string, name: string): Promise<void> {
  await change(file, (read) => {
    const { document, index } = findToken(file, read, name);
    tokensOf(document).delete(index);
    return document;
  });
}

/** Finds the token with a name. Throws `NotFound`. */
function findToken(file: string, read: ReadTokens | undefined, name: string) {
  if (!read) throw missing(file);
  const index = read.entries.findIndex((one) => isNamed(one, name));
  const entry = read.entries[index];
  if (!entry) throw new KplugError('NotFound', `${file} has no token ${name}; \`kplug token list\` lists them`);
  return { document: read.document, entry, index };
}

/** Returns the expiry of a token that replaces another one; `undefined` if it never expires. */
function nextExpiry(file: string, { name, created, expires }: TokenEntry, now: number): Date | undefined {
  if (expires === undefined) return undefined;
  const lifetime = created === undefined ? 0 : Date.parse(expires) - Date.parse(created);
  if (lifetime > 0) return new Date(now + lifetime);
  throw invalid(
    `the lifetime of the token ${name} in ${file} is unknown: it was not created before it expires; give one with --expires`,
  );
}

/** Returns the former token of a rotation; `undefined` if it ends immediately. */
function previousOf(
  file: string,
  { name, hash, expires, previous }: TokenEntry,
  now: number,
  overlap: number,
): PreviousToken | undefined {
  if (overlap === 0) return undefined;
  if (previous && Date.parse(previous.expires) > now) {
    throw new KplugError(
      'Conflict',
      `the token ${name} in ${file} was rotated already, and the one before it is valid until ${previous.expires}; wait until then, or ` +
        'end both now with --overlap 0',
    );
  }
  const end = Math.min(now + overlap, expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires));
  return end > now ? { hash, expires: new Date(end).toISOString() } : undefined;
}

interface ReadTokens {
  entries: TokenEntry[];
  document: Document;
  access: FileAccess;
}

/** Reads a token file; `undefined` if there is none. */
async function readTokens(file: string): Promise<ReadTokens | undefined> {
  try {
    const stats = await stat(file);
    const fault = privacyFault(stats);
    if (fault) throw new Error(`${file} is refused: ${fault}; run: chmod 600 ${file}`);
    if (stats.size > maxFileSize)
      throw new Error(`${file} has ${stats.size} bytes; at most ${maxFileSize} are accepted`);
    const text = await readFile(file, 'utf8');
    const owner = { uid: stats.uid, gid: stats.gid };
    return {
      entries: parseTokenFile(text, file),
      document: parseDocument(text, { logLevel: 'error' }),
      access: { mode: stats.mode & 0o777, owner },
    };
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    throw invalid(messageOf(cause), cause);
  }
}

/** Changes a token file, while no other process does. */
async function change(given: string, edit: (read: ReadTokens | undefined) => Document): Promise<void> {
  // A link stays one.
  const file = await realpath(given).catch(() => given);
  await using _ = await lock(file);
  const read = await readTokens(file);
  const text = edit(read).toString({ lineWidth: 0 });
  if (text.length > maxFileSize)
    throw invalid(`${file} would be larger than ${maxFileSize} bytes; revoke unused tokens`);
  await writeDurably(file, text, dirname(file), read?.access ?? { mode: 0o600 });
}

/** Waits for the lock of a file: another file, which its holder removes. */
async function lock(file: string): Promise<AsyncDisposable> {
  const path = `${file}.lock`;
  for (const startedAt = performance.now(); ; await sleep(lockRetryInterval)) {
    try {
      const handle = await open(path, 'wx', 0o600);
      await handle.writeFile(`${process.pid}\n`);
      await handle.close();
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) {
        throw invalid(`${file} can't be written: ${messageOf(cause)}`, cause);
      }
      if (performance.now() - startedAt < lockTimeout) continue;
      const message = `${file} is being changed by another process; if there is none any more, delete ${path}`;
      throw new KplugError('Conflict', message, { cause });
    }
  }
}

function newDocument(): Document {
  const document = new Document({ tokens: [] });
  document.commentBefore = header;
  return document;
}

/** Returns a token of a document that was parsed without a fault. */
function tokenAt(document: Document, index: number): YAMLMap {
  const token = tokensOf(document).get(index);
  if (!isMap(token)) throw new TypeError('the document has no such token');
  return token;
}

/** Returns the list of tokens of a document that was parsed without a fault. */
function tokensOf(document: Document): YAMLSeq {
  const tokens = isMap(document.contents) ? document.contents.get('tokens') : undefined;
  if (!isSeq(tokens)) throw new TypeError('the document has no list of tokens');
  tokens.flow = false;
  return tokens;
}

function isNamed(entry: TokenEntry, name: string): boolean {
  return entry.name.toLowerCase() === name.toLowerCase();
}

function invalid(message: string, cause?: unknown): KplugError {
  return new KplugError('InvalidConfiguration', message, { cause });
}

function missing(file: string): KplugError {
  return new KplugError('NotFound', `${file} does not exist; \`kplug token create\` creates it`);
}
