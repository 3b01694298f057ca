import { revokeToken } from '@kplug/controller/tools';
import { tokenFileOf } from '../input/token-file.ts';
import type { Terminal } from '../output/terminal.ts';

/** Removes a token from a token file. */
export async function revokeTokenOf(name: string, options: { file?: string }, terminal: Terminal): Promise<void> {
  const file = tokenFileOf(options.file);
  await revokeToken(file, name);
  terminal.say(`revoked the token ${name} in ${file}; a running operator refuses it from now on`);
}
