import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  CertificateIssuer,
  type CertificateStatusSchema,
  CertificateUse,
  HeartbeatSecurity,
  type NameOwnerSchema,
  type SecurityService,
} from '@kplug/protocol';
import type { CertificateExpiry } from '../certificates/certificate-source.ts';
import { limits } from '../limits/limits.ts';
import type { OwnedName } from '../registry/name-owners.ts';

/** Security of a controller, for users to see. */
export interface SecurityView {
  mode: 'loopback' | 'secured' | 'insecure';
  /** Address of the heartbeat port. */
  heartbeatAddress: string;
  allowsFirstKplug: boolean;
  /** Ways in which plugins can prove their identities, for people. */
  ways: readonly string[];
  /** Certificates in use. */
  expiries: readonly CertificateExpiry[];
  /** True if another program makes them. */
  isExternal: boolean;
}

/** Implements `kplug.v1.SecurityService`: how plugins prove their identities and are called, and the owners of their names. */
export function securityService(
  view: () => SecurityView,
  owners: () => readonly OwnedName[],
): ServiceImpl<typeof SecurityService> {
  return {
    getSecurity: () => {
      const { mode, heartbeatAddress, allowsFirstKplug, ways, expiries, isExternal } = view();
      return {
        ...{ heartbeatAddress, allowsFirstKplug },
        heartbeatSecurity: modes[mode],
        identitySources: [...ways],
        certificates: expiries.map((expiry) => describeCertificate(expiry, isExternal)),
        nameOwners: [...owners()]
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .slice(0, limits.admin.maxNameOwners)
          .map(describeOwner),
      };
    },
  };
}

const modes = {
  loopback: HeartbeatSecurity.LOOPBACK,
  secured: HeartbeatSecurity.SECURED,
  insecure: HeartbeatSecurity.INSECURE,
} as const;

const uses = { ca: CertificateUse.CA, server: CertificateUse.SERVER, caller: CertificateUse.CALLER } as const;

function describeCertificate(
  { certificate, notBefore, notAfter }: CertificateExpiry,
  isExternal: boolean,
): MessageInitShape<typeof CertificateStatusSchema> {
  return {
    use: uses[certificate],
    notBefore: timestampFromMs(notBefore),
    notAfter: timestampFromMs(notAfter),
    issuer: isExternal ? CertificateIssuer.EXTERNAL : CertificateIssuer.CONTROLLER,
  };
}

function describeOwner({ name, owner, instances, until }: OwnedName): MessageInitShape<typeof NameOwnerSchema> {
  return { plugin: name, owner, instances, ...(until !== undefined && { until: timestampFromMs(until) }) };
}
