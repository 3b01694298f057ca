import {
  CertificateIssuer,
  type CertificateStatus,
  CertificateUse,
  HeartbeatSecurity,
  RefusalReason,
} from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatAge } from '../output/age.ts';
import { timeOf } from '../output/plugin-table.ts';
import { plain } from '../output/table.ts';
import { kplugCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';

const about = 'security';

/** Remaining share of a lifetime from which on a certificate is reported. It is renewed before, at a third. */
const lateShare = 1 / 6;

/** Largest number of plugins and names that are reported each. */
const maxReported = 10;

/** Checks that plugins prove their identities and are called by TLS, with certificates that don't expire soon. */
export function checkSecurity(view: OperatorView, choice: OperatorChoice, now = Date.now()): Finding[] {
  const { security, delegations } = view;
  if (!delegations.value) return [];
  const check = new Check('HeartbeatsSecured', about);
  if (security.failure !== undefined) return [check.notTried(`security: ${security.failure}`)];
  if (!security.value) return [];
  const { heartbeatSecurity, heartbeatAddress, allowsFirstKplug, identitySources, certificates } = security.value;
  return [
    ...checkMode(check, heartbeatSecurity, { heartbeatAddress, identitySources }),
    ...(allowsFirstKplug ? [firstKplugAllowed(heartbeatSecurity)] : []),
    ...certificates.flatMap((one) => checkCertificate(one, now)),
    ...checkEncryption(view, heartbeatSecurity, choice),
    ...checkNames(view, choice, now),
  ];
}

function checkMode(
  check: Check,
  mode: HeartbeatSecurity,
  { heartbeatAddress, identitySources }: { heartbeatAddress: string; identitySources: readonly string[] },
): Finding[] {
  const where = `the heartbeat port ${plain(heartbeatAddress)}`;
  switch (mode) {
    case HeartbeatSecurity.LOOPBACK:
      return [check.ok(`${where} is reached by processes of the operator's machine only`)];
    case HeartbeatSecurity.SECURED:
      return [
        check.ok(`${where} takes TLS only, and plugins prove their identities by ${plain(identitySources.join(', '))}`),
      ];
    case HeartbeatSecurity.INSECURE: {
      const advice = 'upgrade all plugins, then remove --insecure (heartbeat.insecure in the chart)';
      return [check.warning(`${where} accepts plugins without TLS and without an identity (--insecure)`, advice)];
    }
    default:
      return [];
  }
}

function firstKplugAllowed(mode: HeartbeatSecurity): Finding {
  const message =
    'plugins of the first Kplug are accepted, without TLS and without an identity (--allow-insecure-plugins)';
  const advice = [
    ...(mode === HeartbeatSecurity.LOOPBACK
      ? []
      : [
          'restrict them to their namespaces or addresses by --insecure-plugins-from (heartbeat.insecurePluginsFrom in the chart), and access to the heartbeat port',
        ]),
    'upgrade them to kplug.v1, then remove --allow-insecure-plugins (heartbeat.allowInsecurePlugins in the chart)',
  ];
  return new Check('FirstKplugAllowed', about).warning(message, ...advice);
}

const uses: Partial<Record<CertificateUse, string>> = {
  [CertificateUse.CA]: 'CA that plugins trust',
  [CertificateUse.SERVER]: 'certificate of the heartbeat port',
  [CertificateUse.CALLER]: 'certificate for calls of plugins',
};

function checkCertificate({ use, notBefore, notAfter, issuer }: CertificateStatus, now: number): Finding[] {
  const check = new Check('CertificatesValid', about);
  const end = timeOf(notAfter) ?? Number.POSITIVE_INFINITY;
  const start = timeOf(notBefore) ?? now;
  const name = `the ${uses[use] ?? 'certificate'}`;
  const advice =
    issuer === CertificateIssuer.EXTERNAL
      ? 'renew it in the Secret or folder that the operator was given (tls.secretName in the chart, --tls-cert-dir)'
      : 'the operator renews it itself; its log says why that fails, and kplug_certificate_failures_total counts it';
  if (end <= now) return [check.problem(`${name} has expired, so no plugin can be reached`, advice)];
  if (end - now < (end - start) * lateShare) {
    return [check.warning(`${name} expires in ${formatAge(end - now)} and was not renewed in time`, advice)];
  }
  return [];
}

/** Reports plugins that are called in plain text over a network. Those of the plugins folder run on the operator's machine. */
function checkEncryption({ instances }: OperatorView, mode: HeartbeatSecurity, choice: OperatorChoice): Finding[] {
  if (mode === HeartbeatSecurity.LOOPBACK) return [];
  const check = new Check('PluginsEncrypted', about);
  const plainOnes = (instances.value ?? []).filter(({ encrypted, identity }) => !encrypted && identity !== 'local');
  return plainOnes.slice(0, maxReported).map(({ registration, protocol }) => {
    const { plugin = '', version = '', address = '' } = registration ?? {};
    const which = `${plain(plugin)} ${plain(version)} at ${plain(address)}`;
    const advice =
      protocol === 'kplug.v1'
        ? 'give it the CA of the operator (KPLUG_TLS_CA; the chart kplug-plugin does), or tls.caBundle in its declaration'
        : 'upgrade it to kplug.v1: the protocol of the first Kplug has no TLS';
    return check.warning(`${which} is called in plain text`, advice, kplugCommand(choice, 'plugins', '-o', 'wide'));
  });
}

/** Reports names that were refused to a plugin because their owner, which is gone, still holds them. */
function checkNames({ security, refusals }: OperatorView, choice: OperatorChoice, now: number): Finding[] {
  const check = new Check('NamesAvailable', about);
  const wanted = new Set(
    (refusals.value ?? [])
      .filter(({ reason }) => reason === RefusalReason.NAME_TAKEN)
      .map(({ plugin }) => plugin.toLowerCase()),
  );
  return (security.value?.nameOwners ?? [])
    .filter(({ plugin, instances }) => instances === 0 && wanted.has(plugin))
    .slice(0, maxReported)
    .map(({ plugin, owner, until }) => {
      const left = formatAge(Math.max(0, (timeOf(until) ?? now) - now));
      return check.warning(
        `the name ${plain(plugin)} belongs to ${plain(owner)}, which is gone, for another ${left}; another identity was refused it`,
        'wait, use another name, or restart the operator with a shorter --plugin-name-retention (heartbeat.nameRetention in the chart)',
        kplugCommand(choice, 'plugins', '--refused'),
      );
    });
}
