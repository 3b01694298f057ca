import { createToken } from '@kplug/controller/tools';
import { readExpiry } from '../input/read-lifetime.ts';
import { tokenFileOf } from '../input/token-file.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug token create`. */
export interface CreateTokenOptions {
  plugin: string[];
  expires?: string;
  file?: string;
}

/** Creates a token and prints it. Standard output has nothing else, so that a shell can take it from there. */
export async function createTokenOf(name: string, options: CreateTokenOptions, terminal: Terminal): Promise<void> {
  const file = tokenFileOf(options.file);
  const { plugin: plugins, expires: lifetime } = options;
  const expires = lifetime === undefined ? undefined : readExpiry(lifetime, Date.now());
  const token = await createToken(file, { name, plugins, ...(expires && { expires }) });
  terminal.print(token);
  const end = expires ? `until ${expires.toISOString()}` : 'until it is revoked';
  terminal.say(
    `created the token ${name} for ${plugins.join(', ')} in ${file}; it is valid ${end}, and shown only now`,
  );
  terminal.say(
    `start the operator with --heartbeat-tokens ${file}, and the plugin with KPLUG_TOKEN or KPLUG_TOKEN_FILE`,
  );
}
