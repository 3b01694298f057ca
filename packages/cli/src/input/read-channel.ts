import { readFile } from 'node:fs/promises';
import * as grpc from '@grpc/grpc-js';
import type { ControllerAccess } from '@kplug/conformance';
import { CommandError } from '../command-error.ts';

/** Options of connections to a heartbeat port or to a plugin. */
export interface ChannelOptions {
  /** File with a token; for a heartbeat port. */
  tokenFile?: string;
  /** Files in PEM. */
  ca?: string;
  cert?: string;
  key?: string;
  serverName?: string;
}

/** Credentials of a connection to a plugin. */
export interface PluginChannelCredentials {
  credentials: grpc.ChannelCredentials;
  options: grpc.ChannelOptions;
}

/** Reads the credentials for a plugin. Rejects with a `CommandError`. */
export async function readPluginChannel(given: ChannelOptions): Promise<PluginChannelCredentials> {
  const { serverName } = given;
  const { credentials = grpc.credentials.createInsecure() } = await readCredentials(given);
  return { credentials, options: serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName } };
}

/** Reads the credentials and the identity for a heartbeat port. Rejects with a `CommandError`. */
export async function readAccess(given: ChannelOptions): Promise<ControllerAccess> {
  const { tokenFile, cert, serverName } = given;
  const token = tokenFile === undefined ? undefined : String(await read('--token-file', tokenFile)).trim();
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
}: ChannelOptions): Promise<Pick<ControllerAccess, 'credentials' | 'bareCredentials'>> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError('usage', '--cert and --key have to be given together');
  }
  if (ca === undefined) {
    const unused = cert === undefined ? serverName && '--server-name' : '--cert';
    if (unused) throw new CommandError('usage', `${unused} needs TLS; give the certificate to trust with --ca`);
    return {};
  }
  const roots = await read('--ca', ca);
  try {
    const bareCredentials = grpc.credentials.createSsl(roots);
    if (cert === undefined || key === undefined) return { credentials: bareCredentials, bareCredentials };
    const own = [await read('--key', key), await read('--cert', cert)] as const;
    return { credentials: grpc.credentials.createSsl(roots, ...own), bareCredentials };
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError('usage', `--ca, --cert or --key is malformed: ${(cause as Error).message}`, { cause });
  }
}

async function read(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CommandError('usage', `the file of ${option} can't be read: ${(cause as Error).message}`, { cause });
  }
}
