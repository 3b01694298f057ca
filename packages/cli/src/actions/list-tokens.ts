import { listTokens, type TokenEntry } from '@kplug/controller/tools';
import { tokenFileOf } from '../input/token-file.ts';
import { ageOf } from '../output/age.ts';
import { formatDocument } from '../output/document.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug token list`. */
export interface ListTokensOptions {
  file?: string;
  output: 'table' | 'json' | 'yaml';
}

/** Prints the tokens of a file, without their hashes. */
export async function listTokensOf(options: ListTokensOptions, terminal: Terminal): Promise<void> {
  const file = tokenFileOf(options.file);
  const tokens = await listTokens(file);
  const now = Date.now();
  if (options.output !== 'table') {
    const shown = tokens.map(({ hash: _, previous, ...token }) => ({
      ...token,
      expired: hasExpired(token, now),
      ...(previous && { previous: { expires: previous.expires, expired: hasExpired(previous, now) } }),
    }));
    terminal.print(formatDocument({ tokens: shown }, options.output));
    return;
  }
  if (tokens.length === 0) {
    terminal.say(`${file} has no tokens.`);
    return;
  }
  const rows = tokens.map((token) => [
    token.name,
    token.plugins.join(','),
    ageOf(token.created === undefined ? undefined : Date.parse(token.created), now),
    formatExpiry(token, now) ?? 'never',
    (token.previous && formatExpiry(token.previous, now)) ?? 'none',
  ]);
  terminal.print(
    formatTable({ header: ['NAME', 'PLUGINS', 'AGE', 'EXPIRES', 'PREVIOUS EXPIRES'], rows }, terminal.colors),
  );
}

function formatExpiry(token: Pick<TokenEntry, 'expires'>, now: number): string | undefined {
  return hasExpired(token, now) ? `${token.expires} (expired)` : token.expires;
}

function hasExpired({ expires }: Pick<TokenEntry, 'expires'>, now: number): boolean {
  return expires !== undefined && Date.parse(expires) <= now;
}
