import { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { issueAuthority, issueLeaf } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { readOptionFile } from '../input/read-option-file.ts';

/** URI in the certificate with which an operator calls plugins. */
const callerUri = 'URI:kplug://caller';

/** TLS of the relays, in place of that of their plugins. */
export interface RelayTls {
  credentials: grpc.ServerCredentials;
  /** Certificate to register (DER). */
  certificate: Buffer;
}

/** Makes a certificate for the relays, which let in the clients of an operator's CA only. Rejects with a `CommandError`. */
export async function openRelayTls(caFile: string): Promise<RelayTls> {
  const ca = await readOptionFile('--ca', caFile);
  const now = Date.now();
  const authority = await issueAuthority(now);
  const notAfter = new X509Certificate(authority.cert).validToDate.getTime();
  const { key, cert } = await issueLeaf('server', { ...authority, notAfter }, { dns: ['kplug-record'], ips: [] }, now);
  try {
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    const credentials = grpc.ServerCredentials.createSsl(ca, [pair], true);
    return { credentials, certificate: new X509Certificate(cert).raw };
  } catch (cause) {
    throw new CommandError('usage', `the file of --ca is malformed: ${(cause as Error).message}`, { cause });
  }
}

/** Reports whether a call over TLS comes from the operator's caller. A certificate of its CA is not enough. */
export function isCaller(call: Pick<grpc.ServerUnaryCall<unknown, unknown>, 'getAuthContext'>): boolean {
  const { subjectaltname = '' } = call.getAuthContext()?.sslPeerCertificate ?? {};
  return subjectaltname.split(', ').includes(callerUri);
}
