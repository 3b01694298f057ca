import { rotateToken } from '@kplug/controller/tools';
import { readExpiry, readOverlap } from '../input/read-lifetime.ts';
import { tokenFileOf } from '../input/token-file.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug token rotate`. */
export interface RotateTokenOptions {
  overlap: string;
  expires?: string;
  file?: string;
}

/** Replaces a token by a new one, and prints it. Standard output has nothing else, so that a shell can take it from there. */
export async function rotateTokenOf(name: string, options: RotateTokenOptions, terminal: Terminal): Promise<void> {
  const file = tokenFileOf(options.file);
  const overlap = readOverlap(options.overlap);
  const expires = options.expires === undefined ? undefined : readExpiry(options.expires, Date.now());
  const { token, entry } = await rotateToken(file, name, { overlap, ...(expires && { expires }) });
  terminal.print(token);
  const end = entry.expires === undefined ? 'until it is revoked' : `until ${entry.expires}`;
  terminal.say(`rotated the token ${entry.name} in ${file}; the new one is valid ${end}, and shown only now`);
  const { previous } = entry;
  terminal.say(
    previous
      ? `the former token is valid until ${previous.expires}; give the plugin the new one before`
      : 'the former token is no longer valid; give the plugin the new one',
  );
}
