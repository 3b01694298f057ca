import { issueAuthority, issueLeaf } from '@kplug/controller/internal';

/** Key and certificate of a server on this machine, and the CA that issued it, as PEM. */
export interface ServerTls {
  key: string;
  cert: string;
  ca: string;
}

/** Makes a certificate for the heartbeat port, as the controller does. */
export async function makeServerTls(): Promise<ServerTls> {
  const now = Date.now();
  const authority = await issueAuthority(now);
  const issuer = { ...authority, notAfter: Number.POSITIVE_INFINITY };
  const pair = await issueLeaf('server', issuer, { dns: ['localhost'], ips: ['127.0.0.1'] }, now);
  return { ...pair, ca: authority.cert };
}
