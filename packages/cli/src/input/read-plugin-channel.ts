import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { isJsonObject, type PluginChannel } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { readOptionFile } from './read-option-file.ts';

/** Options of connections to a plugin. */
export interface PluginTlsOptions {
  /** Files in PEM. */
  ca?: string;
  cert?: string;
  key?: string;
  /** Folder with the certificate with which an operator calls plugins. */
  tlsDir?: string;
  serverName?: string;
}

/** Key and certificate chain of a client (PEM). */
interface ClientCertificate {
  cert: string;
  key: string;
}

/** Name that is sent as SNI to an address without a name. TLS allows no IP address there. */
const nameOfAddresses = 'plugin.kplug.dev';

/** Returns the channel to a plugin: TLS with `--ca`, else plain text. Rejects with a `CommandError`. */
export async function readPluginChannel(address: string, given: PluginTlsOptions): Promise<PluginChannel> {
  const client = await readClientCertificate(given);
  const { ca, serverName } = given;
  if (ca === undefined) {
    const unused = client ? 'a client certificate' : serverName && '--server-name';
    if (unused) throw new CommandError('usage', `${unused} needs TLS; ${givePluginCertificate(address)}`);
    const advice = adviceWithoutTls(address);
    return { ...plainText, explain: (failure) => (isAbsent(failure) ? failure : `${failure}; ${advice}`) };
  }
  const trusted = String(await readOptionFile('--ca', ca));
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const name = serverName ?? host;
  const own = readLeaf(trusted);
  return {
    credentials: grpc.credentials.createFromSecureContext(createContext(trusted, client), {
      // A plugin without files of its own makes a certificate in memory, without names: exactly that one is trusted.
      checkServerIdentity: (_, presented) =>
        own?.raw.equals(presented.raw) ? undefined : checkServerIdentity(name, presented),
    }),
    options: { 'grpc.ssl_target_name_override': isIP(name) ? nameOfAddresses : name },
    expiresAt: Number.POSITIVE_INFINITY,
    explain: (failure) => explain(failure, client !== undefined),
  };
}

function createContext(ca: string, client: ClientCertificate | undefined) {
  try {
    return createSecureContext({ ca, ...client, minVersion: 'TLSv1.3', allowPartialTrustChain: true });
  } catch (cause) {
    const message = `--ca or the client certificate is malformed: ${(cause as Error).message}`;
    throw new CommandError('usage', message, { cause });
  }
}

/** Returns the first certificate of a file. Throws a `CommandError` if it is none. */
function readLeaf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    const message = `the file of --ca has no certificate in PEM: ${(cause as Error).message}`;
    throw new CommandError('usage', message, { cause });
  }
}

async function readClientCertificate({ cert, key, tlsDir }: PluginTlsOptions): Promise<ClientCertificate | undefined> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError('usage', '--cert and --key have to be given together');
  }
  if (cert !== undefined && key !== undefined) {
    return { cert: String(await readOptionFile('--cert', cert)), key: String(await readOptionFile('--key', key)) };
  }
  return tlsDir === undefined ? undefined : readCaller(tlsDir);
}

/** Reads the certificate for calls that an operator keeps in a folder: in one file, or as the files of its Secret. */
async function readCaller(folder: string): Promise<ClientCertificate> {
  const file = join(folder, 'certificates.json');
  if (!(await stat(file).catch(() => undefined))) {
    const [cert, key] = await Promise.all(
      ['caller.crt', 'caller.key'].map((name) => readOptionFile('--tls-dir', join(folder, name))),
    );
    return { cert: String(cert), key: String(key) };
  }
  const text = String(await readOptionFile('--tls-dir', file));
  const { 'caller.crt': cert, 'caller.key': key } = parse(text) ?? {};
  if (typeof cert === 'string' && typeof key === 'string') return { cert, key };
  throw new CommandError('usage', `${file} has no certificate for calls; start the operator once, which makes one`);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const plainText: Omit<PluginChannel, 'explain'> = {
  credentials: grpc.credentials.createInsecure(),
  options: {},
  expiresAt: Number.POSITIVE_INFINITY,
};

const giveCaller =
  'give the certificate with which its operator calls it, by --tls-dir MANIFESTS/.kplug/tls, or by --cert and --key';

/** Texts of Node.js and OpenSSL for a failed handshake, with advice. */
const advices: readonly (readonly [RegExp, string])[] = [
  [
    /self[- ]signed certificate|unable to (get|verify|find)|invalid CA/i,
    'the plugin presents another certificate than that of --ca, and --ca did not issue it',
  ],
  [
    /Hostname\/IP does not match|altnames|Cert does not contain/i,
    "the plugin's certificate is for another name; give one of its names with --server-name",
  ],
  [/certificate (has expired|is not yet valid)/i, "renew the plugin's certificate, or check the clocks"],
  [
    /wrong version number|packet length too long|record layer failure|EPROTO/i,
    'the plugin serves no TLS 1.3 at its address; omit --ca for plain text',
  ],
];

/** Reports whether nothing listens at an address. */
function isAbsent(failure: string): boolean {
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(failure);
}

function explain(failure: string, hasClient: boolean): string {
  const advice = advices.find(([pattern]) => pattern.test(failure))?.[1];
  if (advice) return `${failure}; ${advice}`;
  // A server that refuses the client's certificate closes the connection after the handshake of TLS 1.3.
  if (!/^Failed to connect \(|alert|ECONNRESET|socket hang up|TLS connection was established/i.test(failure))
    return failure;
  const refused = hasClient ? 'refuses the client certificate' : 'demands a client certificate';
  return `${failure}; the plugin probably ${refused}: ${giveCaller}`;
}

function adviceWithoutTls(address: string): string {
  return (
    `if the plugin demands TLS, as those of a secured operator do, ${givePluginCertificate(address)}, and ${giveCaller}; ` +
    'or start the plugin with KPLUG_INSECURE=true and KPLUG_BIND_ADDRESS=127.0.0.1:PORT'
  );
}

function givePluginCertificate(address: string): string {
  return `give its certificate or the CA of that with --ca ("openssl s_client -connect ${address} </dev/null | openssl x509" prints the certificate)`;
}
