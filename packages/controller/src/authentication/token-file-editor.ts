import { open, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Document, isMap, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import { KplugError, messageOf } from '../errors.ts';
import { privacyFault } from '../files/private-file.ts';
import { hasCode } from '../files/system-error.ts';
import { type FileAccess, writeDurably } from '../files/write-durably.ts';
import { limits } from '../limits/limits.ts';
import { entryFault, hashToken, makeToken, parseTokenFile, type TokenEntry } from './token-file.ts';

const { maxFileSize, lockTimeout, lockRetryInterval } = limits.authentication;

const header = ` Tokens of plugins, for the flag --heartbeat-tokens of an operator. It has only hashes of them.
 Change it with \`kplug token create\` and \`kplug token revoke\`; a running operator reads it again.`;

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

/** Removes a token from a file. Rejects with `NotFound` if the file or the token doesn't exist, and with `InvalidConfiguration`. */
export async function revokeToken(file: string, name: string): Promise<void> {
  await change(file, (read) => {
    if (!read) throw missing(file);
    const index = read.entries.findIndex((one) => isNamed(one, name));
    if (index < 0) throw new KplugError('NotFound', `${file} has no token ${name}; \`kplug token list\` lists them`);
    tokensOf(read.document).delete(index);
    return read.document;
  });
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
