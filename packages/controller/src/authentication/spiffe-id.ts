import { limits } from '../limits/limits.ts';

const { maxNameLength, maxTrustDomainLength } = limits.authentication;

/**
 * Returns the fault of the SPIFFE id of a workload; `undefined` if there is none. The rules are those of the specification (SPIFFE-ID,
 * section 2, and X509-SVID, section 2): a trust domain in lower case, no user, port, query and fragment, and a path without empty and
 * relative segments.
 */
export function spiffeIdFault(id: string): string | undefined {
  const [, domain = '', path = ''] = /^spiffe:\/\/([^/]*)(.*)$/su.exec(id) ?? [];
  if (id.length > maxNameLength) return `is longer than ${maxNameLength} characters`;
  if (!/^[a-z0-9._-]+$/.test(domain) || domain.length > maxTrustDomainLength) return 'has an invalid trust domain';
  if (path === '' || path === '/') return 'has no path, so it names a trust domain instead of a workload';
  const segments = path.split('/').slice(1);
  return segments.every((one) => /^[a-zA-Z0-9._-]+$/.test(one) && one !== '.' && one !== '..')
    ? undefined
    : 'has an invalid path';
}
