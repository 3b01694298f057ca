import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { IdentityIssuer, IssuedToken } from '../resources/cluster-services.ts';

/** The part of a token's life after which it is renewed, and how soon that is tried again when it failed, in milliseconds. */
const renewal = { at: 0.7, retry: 10_000 };

/**
 * The rights of a ServiceAccount, for one process: a kubeconfig, which leads to a file with a token that is renewed for as long as
 * the process runs.
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

  /** Rejects with `StorageFailed` when the token can't be had. */
  static async issue(issuer: IdentityIssuer, serviceAccount: string, log: Logger): Promise<ProcessIdentity> {
    // Only this user may look into it.
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

  /** The file of the kubeconfig. */
  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  /** Takes the files away, and renews nothing any more. */
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
    // In one step, so that nobody reads half a token.
    await writeFile(`${this.#credentialFile}.new`, execCredential({ token, expiresAt }), { mode: 0o600 });
    await rename(`${this.#credentialFile}.new`, this.#credentialFile);
    this.#renewAfter((expiresAt - Date.now()) * renewal.at);
  }

  #renewAfter(delay: number): void {
    if (this.#ended) return;
    this.#timer = setTimeout(async () => {
      try {
        await this.#renew();
      } catch (error) {
        this.#log.error({ err: error }, `${messageOf(error)}; it is tried again`);
        this.#renewAfter(renewal.retry);
      }
    }, delay).unref();
  }
}

/** As Kubernetes clients take it (client.authentication.k8s.io/v1). */
function execCredential({ token, expiresAt }: IssuedToken): string {
  const expirationTimestamp = new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const status = { token, expirationTimestamp };
  return JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
}
