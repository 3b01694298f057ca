import {
  CertificateIssuer,
  CertificateUse,
  type GetSecurityResponse,
  HeartbeatSecurity,
} from '@kplug/protocol/services';
import { now } from '../data/connection.ts';
import type { Loaded } from '../data/use-loaded.ts';
import { shown } from '../format/shown.ts';
import { formatExact, formatSpan, millisecondsOf } from '../format/time.ts';
import { Failure } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';

const ports: Readonly<Record<HeartbeatSecurity, string>> = {
  [HeartbeatSecurity.UNSPECIFIED]: 'unknown',
  [HeartbeatSecurity.LOOPBACK]: 'this machine only, in plain text; plugins need no identity',
  [HeartbeatSecurity.SECURED]: 'TLS, and an identity, are required',
  [HeartbeatSecurity.INSECURE]: 'insecure: TLS and identities are optional',
};

const uses: Readonly<Record<CertificateUse, string>> = {
  [CertificateUse.UNSPECIFIED]: 'Certificate',
  [CertificateUse.CA]: 'CA that plugins trust',
  [CertificateUse.SERVER]: 'Certificate of the ports',
  [CertificateUse.CALLER]: 'Certificate for calls of plugins',
};

/** How plugins prove who they are, and until when the certificates are valid. */
export function Security({ loaded: { value, problem, retry } }: { loaded: Loaded<GetSecurityResponse> }) {
  if (problem && !value) return <Failure what="settings of security" problem={problem} retry={retry} />;
  if (!value) return null;
  const { heartbeatSecurity, heartbeatAddress, identitySources, allowsFirstKplug, certificates } = value;
  const isInsecure = heartbeatSecurity === HeartbeatSecurity.INSECURE;
  return (
    <Panel title="Security">
      <dl class="facts">
        <dt>Heartbeat port</dt>
        <dd>
          <code>{shown(heartbeatAddress, 120)}</code>,{' '}
          <span class={isInsecure ? 'state-failing' : ''}>
            {ports[heartbeatSecurity as HeartbeatSecurity] ?? 'unknown'}
          </span>
        </dd>
        <dt>Proofs of identity</dt>
        <dd>{identitySources.length > 0 ? shown(identitySources.join(', ')) : 'none'}</dd>
        {allowsFirstKplug && (
          <>
            <dt>First Kplug</dt>
            <dd>Its plugins are accepted, without encryption and authentication.</dd>
          </>
        )}
        {certificates.map(({ use, notAfter, issuer }) => (
          <CertificateFact key={use} use={use} end={millisecondsOf(notAfter)} issuer={issuer} />
        ))}
      </dl>
    </Panel>
  );
}

function CertificateFact({ use, end, issuer }: { use: number; end: number | undefined; issuer: number }) {
  const left = end === undefined ? undefined : end - now.value;
  return (
    <>
      <dt>{uses[use as CertificateUse] ?? 'Certificate'}</dt>
      <dd title={end === undefined ? '' : formatExact(end)}>
        {left === undefined && 'end unknown'}
        {left !== undefined &&
          (left > 0 ? (
            `valid for ${formatSpan(left)}`
          ) : (
            <span class="state-failing">expired {formatSpan(-left)} ago</span>
          ))}
        <span class="muted">
          {issuer === CertificateIssuer.CONTROLLER ? ', renewed by the operator' : ', renewed by another program'}
        </span>
      </dd>
    </>
  );
}
