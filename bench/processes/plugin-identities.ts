import type { ReviewedToken } from '../../packages/controller/src/resources/services/token-reviewer.ts';
import { hostOf } from './registrations.ts';

const namespace = 'databases';
const account = 'plugins';
/** The signature of RS256 with a key of 2,048 bits has this size. */
const signatureSize = 256;

const podOf = (index: number) => ({ name: `plugin-${index}`, uid: `7d7d5f2e-3c0e-4f6e-8f0a-${padded(index)}` });

/**
 * Returns a ServiceAccount token of the pod of an instance, with the claims and the size of a projected one. Its signature is not valid,
 * as only the API server verifies it.
 *
 * @param issuedAt in seconds since the epoch.
 * @param lifetime in seconds.
 */
export function tokenOf(index: number, issuedAt = Math.floor(Date.now() / 1_000), lifetime = 3_600): string {
  const claims = {
    aud: ['kplug'],
    exp: issuedAt + lifetime,
    iat: issuedAt,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: `d4b5c0de-54f5-4c31-8f4c-${padded(index)}`,
    'kubernetes.io': {
      namespace,
      node: { name: 'node-1', uid: '0b1f7f6c-6c5d-4d2a-9d1e-5a2d8a3c1f00' },
      pod: podOf(index),
      serviceaccount: { name: account, uid: '5f0e7c3a-2c64-4a1e-9f0d-2b7f8c1d6e11' },
    },
    nbf: issuedAt,
    sub: `system:serviceaccount:${namespace}:${account}`,
  };
  const header = { alg: 'RS256', kid: 'k0bJ1hYwYp6b9Cz1nV6o1xq2G8w5T0n3s4d6f8h0j2k' };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.${Buffer.alloc(signatureSize, index % 256).toString('base64url')}`;
}

/** Returns the answer of an API server that accepts a token of `tokenOf`. */
export function reviewOf(token: string): ReviewedToken {
  const claims = JSON.parse(String(Buffer.from(token.split('.')[1] ?? '', 'base64url')));
  return { authenticated: true, user: claims.sub, pod: claims['kubernetes.io'].pod, audiences: claims.aud };
}

/** Addresses of the pods of all instances, as the controller looks them up. */
export const podNetwork = {
  addressesOf: async (_: string, pod: string): Promise<string[]> => [hostOf(Number(pod.split('-')[1]))],
};

function padded(index: number): string {
  return String(index).padStart(12, '0');
}
