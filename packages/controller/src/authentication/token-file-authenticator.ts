import type { Logger } from 'pino';
import { privacyFault } from '../files/private-file.ts';
import { WatchedFile } from '../files/watched-file.ts';
import { limits } from '../limits/limits.ts';
import type { Authenticator, Credentials, Proof } from './authenticator.ts';
import { unauthenticated } from './refusals.ts';
import { parseTokenFile } from './token-file.ts';
import { TokenTable } from './token-table.ts';
import { refuseLargeToken } from './token-text.ts';

const { maxFileSize, scanInterval, settleTime } = limits.authentication;
const advice =
  'create one with `kplug token create NAME --plugin PLUGIN` and give it to the plugin as KPLUG_TOKEN_FILE';

/** Options of the authentication by a token file. */
export interface TokenFileOptions {
  /** File that `kplug token` writes. It is read again when it changes. */
  file: string;
  logger: Logger;
}

/** Authenticates holders of tokens that are in a file. A token that is removed from the file ends with it. */
export class TokenFileAuthenticator implements Authenticator {
  readonly #file: WatchedFile<TokenTable>;

  private constructor(file: WatchedFile<TokenTable>) {
    this.#file = file;
  }

  /** Reads the file. Rejects with `InvalidConfiguration`, also if other users may read or write the file. */
  static async open({ file, logger }: TokenFileOptions): Promise<TokenFileAuthenticator> {
    return new TokenFileAuthenticator(
      await WatchedFile.open({
        path: file,
        parse: (text) => new TokenTable(parseTokenFile(text, file)),
        refuse: (stats) => {
          const fault = privacyFault(stats);
          return fault && `${fault}; run: chmod 600 ${file}`;
        },
        ...{ maxSize: maxFileSize, scanInterval, settleTime },
        onProblem: (problem) => {
          if (problem) logger.error(`the accepted tokens stay as they were, as their file can't be used: ${problem}`);
          else logger.info(`the accepted tokens are those of ${file} again`);
        },
        onChange: ({ size }) => logger.info({ tokens: size }, `read ${file} again, as it has changed`),
      }),
    );
  }

  recall({ token }: Credentials): Proof | undefined {
    if (token === undefined) return undefined;
    refuseLargeToken(token);
    const found = this.#file.value.find(token);
    if (!found) throw unauthenticated(`this operator doesn't know the token, or it was revoked; ${advice}`);
    const { entry, expires, isPrevious } = found;
    const endsAt = expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires);
    if (Date.now() >= endsAt) {
      throw unauthenticated(
        isPrevious
          ? `the token was replaced by a newer token ${entry.name}, and ended at ${expires}; give the plugin the newer one as KPLUG_TOKEN_FILE`
          : `the token ${entry.name} expired at ${expires}; ${advice}`,
      );
    }
    return {
      // The former and the newer token are one owner, so that a rotation changes nothing for instances and names.
      identity: { kind: 'token', name: entry.name, plugins: entry.plugins },
      validUntil: Math.min(endsAt, Date.now() + scanInterval),
    };
  }

  async authenticate({ token = '' }: Credentials): Promise<Proof> {
    const proof = this.recall({ token });
    if (!proof) throw unauthenticated(`no token was sent; ${advice}`);
    return proof;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
