import { hash, randomBytes } from 'node:crypto';
import { locate, readYaml } from '@kplug/protocol';
import { z } from 'zod';
import { limits } from '../limits/limits.ts';
import { formatPath } from '../resources/json.ts';
import { pluginPattern } from './plugin-pattern.ts';

const { maxDocumentTokens: maxTokens, maxDepth, maxAliases, maxAliasedValues } = limits.resources;

/** Prefix of the tokens that `kplug token create` makes, by which scanners for leaked secrets can find them. */
export const tokenPrefix = 'kplug_';

const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-05-04T12:00:00Z, in quotes' });

const hashSchema = z.string('must be a text').regex(/^sha256:[A-Za-z0-9_-]{43}$/, {
  error: 'must be sha256: and 43 characters, as `kplug token create` writes it',
});

const entrySchema = z.strictObject({
  name: z.string('must be a text').regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, {
    error: 'must be 1 to 63 letters, digits, dots, underscores and dashes',
  }),
  hash: hashSchema,
  plugins: z
    .array(
      z.string('must be a text').regex(pluginPattern, { error: 'must be a plugin name, with * and ? as wildcards' }),
    )
    .min(1, { error: 'must name a plugin' }),
  created: time.optional(),
  expires: time.optional(),
  previous: z.strictObject({ hash: hashSchema, expires: time }, 'must be a mapping').optional(),
});

const fileSchema = z.strictObject({ tokens: z.array(entrySchema, 'must be a list') });

/** Token of a token file. Times in RFC 3339. */
export interface TokenEntry {
  name: string;
  /** Hash of the token, by `hashToken`. */
  hash: string;
  /** Plugins that it may be, with `*` and `?` as wildcards. */
  plugins: string[];
  created?: string | undefined;
  /** Missing for a token that never expires. */
  expires?: string | undefined;
  /** Token that this one replaced. It is valid beside it until it expires. */
  previous?: PreviousToken | undefined;
}

/** Former token of an entry, which has the name and the plugins of the entry. */
export interface PreviousToken {
  hash: string;
  expires: string;
}

/** Makes a token: 256 random bits. */
export function makeToken(): string {
  return `${tokenPrefix}${randomBytes(32).toString('base64url')}`;
}

/**
 * Returns the hash of a token as the file has it. One round of SHA-256 is enough, as tokens have 256 random bits: nobody can try them all,
 * however fast the hash is. A slow hash such as scrypt protects guessable passwords, and would have to be computed for each heartbeat.
 */
export function hashToken(token: string): string {
  return `sha256:${hash('sha256', token, 'base64url')}`;
}

/** Returns the fault of a token that is to be added to a file; `undefined` if there is none. */
export function entryFault(entry: TokenEntry): string | undefined {
  const [issue] = entrySchema.safeParse(entry).error?.issues ?? [];
  return issue && `its ${issue.path.join('.')} ${issue.message}`;
}

/** Parses the text of a token file. Throws with file, line and field of each fault. */
export function parseTokenFile(text: string, file: string): TokenEntry[] {
  const { value: content, node, lines, fault } = readYaml(text, { maxTokens, maxDepth, maxAliases, maxAliasedValues });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (fault) throw new Error(`${at(fault.offset)}: invalid YAML: ${fault.message}`);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Error(`${file} must be a mapping with the field tokens, as \`kplug token create\` writes it`);
  }
  const { data, error } = fileSchema.safeParse(content);
  const faults = data ? duplicatesIn(data.tokens) : (error?.issues ?? []).flatMap(faultsOf);
  if (data && faults.length === 0) return data.tokens;
  const messages = faults.map(({ path, message }) => {
    const place = at(locate(node, path));
    return `${place}: ${[formatPath(path), message].filter(Boolean).join(' ')}`;
  });
  throw new Error(messages.join('; '));
}

interface Fault {
  path: (string | number)[];
  message: string;
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a field of a token file' }));
}

function duplicatesIn(tokens: readonly TokenEntry[]): Fault[] {
  const seen = new Set<string>();
  return tokens.flatMap(({ name, hash: digest, previous }, index) => {
    const keys = [name.toLowerCase(), digest, ...(previous ? [previous.hash] : [])];
    const isKnown = keys.some((key) => seen.has(key)) || digest === previous?.hash;
    for (const key of keys) seen.add(key);
    return isKnown ? [{ path: ['tokens', index], message: 'has the name or a hash of an earlier token' }] : [];
  });
}
