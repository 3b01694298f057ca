import { issueAuthority, issueLeaf } from '@kplug/controller/tools';
import type { KeyPair } from '../plugin/credentials.ts';

/** Makes a key and a certificate for an instance of the suite. */
export async function makeCertificate(): Promise<KeyPair> {
  const now = Date.now();
  const authority = { ...(await issueAuthority(now)), notAfter: now + 24 * 3_600_000 };
  return issueLeaf('server', authority, { dns: ['localhost'], ips: [] }, now);
}
