import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { IdentityIssuer, IssuedToken } from '../resources/services/identity-issuer.ts';

/** Fraction of a token's lifetime after which it is renewed. */
const renewAt = 0.7;

const retryDelay = limits.pluginsFolder.tokenRetryDelay;

/**
 * Identity of one process: a kubeconfig with the rights of a ServiceAccount. It refers to a file with a token, which is renewed for as
 * long as the process runs.
 */
export class ProcessIdentity {
  readonly #issuer: IdentityIssuer;
  readonly #serviceAccount: string;
  readonly #folder: string;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  private constructor(issuer: IdentityIssuer, serviceAccount: string, folder: string, log: Logger) {
    this.#issuer = issuer;
    this.#serviceAccount = serviceAccount;
    this.#folder = folder;
    this.#log = log;
  }

  /** Issues an identity. Rejects with `StorageFailed` when no token can be issued. */
  static async issue(issuer: IdentityIssuer, serviceAccount: string, log: Logger): Promise<ProcessIdentity> {
    // Only this user may read the folder.
    const folder = await mkdtemp(join(tmpdir(), 'kplug-identity-'));
    const identity = new ProcessIdentity(issuer, serviceAccount, folder, log);
    try {
      await identity.#renew();
      await writeFile(identity.kubeconfig, issuer.kubeconfig(identity.#credentialFile), { mode: 0o600 });
    } catch (error) {
      await identity.end();
      throw error;
    }
    return identity;
  }

  /** Path of the kubeconfig. */
  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  /** Removes the files and stops renewing the token. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #credentialFile(): string {
    return join(this.#folder, 'credential.json');
  }

  async #renew(): Promise<void> {
    const { token, expiresAt } = await this.#issuer.issue(this.#serviceAccount);
    if (this.#ended) return;
    // Renamed, so that no client reads half a token.
    await writeFile(`${this.#credentialFile}.new`, execCredential({ token, expiresAt }), { mode: 0o600 });
    await rename(`${this.#credentialFile}.new`, this.#credentialFile);
    this.#renewAfter((expiresAt - Date.now()) * renewAt);
  }

  #renewAfter(delay: number): void {
    if (this.#ended) return;
    this.#timer = setTimeout(async () => {
      try {
        await this.#renew();
      } catch (error) {
        this.#log.error({ err: error }, `${messageOf(error)}; retrying`);
        this.#renewAfter(retryDelay);
      }
    }, delay).unref();
  }
}

/** Returns an `ExecCredential` (client.authentication.k8s.io/v1). */
function execCredential({ token, expiresAt }: IssuedToken): string {
  const expirationTimestamp = new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const status = { token, expirationTimestamp };
  return JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
}
