import * as grpc from '@grpc/grpc-js';
import type { ControllerAccess } from '@kplug/conformance';
import { CommandError } from '../command-error.ts';
import { readOptionFile } from './read-option-file.ts';

/** Options of connections to a heartbeat port. */
export interface HeartbeatAccessOptions {
  /** File with a token. */
  tokenFile?: string;
  /** Files in PEM. */
  ca?: string;
  cert?: string;
  key?: string;
  serverName?: string;
}

/** Reads the credentials and the identity for a heartbeat port. Rejects with a `CommandError`. */
export async function readAccess(given: HeartbeatAccessOptions): Promise<ControllerAccess> {
  const { tokenFile, cert, serverName } = given;
  const token = tokenFile === undefined ? undefined : String(await readOptionFile('--token-file', tokenFile)).trim();
  return {
    ...(await readCredentials(given)),
    ...(token !== undefined && { token }),
    ...(serverName !== undefined && { serverName }),
    hasCertificate: cert !== undefined,
  };
}

async function readCredentials({
  ca,
  cert,
  key,
  serverName,
}: HeartbeatAccessOptions): Promise<Pick<ControllerAccess, 'credentials' | 'bareCredentials' | 'ca'>> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError('usage', '--cert and --key have to be given together');
  }
  if (ca === undefined) {
    const unused = cert === undefined ? serverName && '--server-name' : '--cert';
    if (unused) throw new CommandError('usage', `${unused} needs TLS; give the certificate to trust with --ca`);
    return {};
  }
  const roots = await readOptionFile('--ca', ca);
  try {
    const bareCredentials = grpc.credentials.createSsl(roots);
    if (cert === undefined || key === undefined)
      return { credentials: bareCredentials, bareCredentials, ca: String(roots) };
    const own = [await readOptionFile('--key', key), await readOptionFile('--cert', cert)] as const;
    return { credentials: grpc.credentials.createSsl(roots, ...own), bareCredentials, ca: String(roots) };
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError('usage', `--ca, --cert or --key is malformed: ${(cause as Error).message}`, { cause });
  }
}
