import { rotateToken } from '@kplug/controller/tools';
import { readExpiry } from '../input/read-expiry.ts';
import { readOverlap } from '../input/read-overlap.ts';
import { tokenFileOf } from '../input/token-file.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug token rotate`. */
export interface RotateTokenOptions {
  overlap: string;
  expires?: string;
  file?: string;
}

/** Replaces a token and prints the new one. Standard output has nothing else, so that a shell can take it from there. */
export async function rotateTokenOf(name: string, options: RotateTokenOptions, terminal: Terminal): Promise<void> {
  const file = tokenFileOf(options.file);
  const { expires: lifetime } = options;
  const overlap = readOverlap(options.overlap);
  const expires = lifetime === undefined ? undefined : readExpiry(lifetime, Date.now());
  const { token, entry } = await rotateToken(file, { name, overlap, ...(expires && { expires }) });
  terminal.print(token);
  const end = entry.expires === undefined ? 'until it is revoked' : `until ${entry.expires}`;
  terminal.say(`rotated the token ${entry.name} in ${file}; the new one is valid ${end}, and shown only now`);
  const previous = entry.previous?.at(-1);
  terminal.say(
    previous
      ? `the former one is valid until ${previous.expires}; replace it in KPLUG_TOKEN_FILE of the plugin before`
      : 'former ones are refused from now on',
  );
}
