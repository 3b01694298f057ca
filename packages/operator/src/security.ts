import { KplugError, type SecurityOptions } from '@kplug/controller';
import type { SettingValues } from './settings.ts';

/** Returns the security options of the settings. Throws `InvalidConfiguration` when they contradict each other. */
export function securityOf(settings: SettingValues): SecurityOptions {
  const { insecure, tokenAudience: audience, heartbeatTokens: tokenFile, clientCa, tlsDnsNames: dnsNames } = settings;
  const { oidcIssuer: issuer, tlsName: serviceName } = settings;
  return {
    ...(insecure !== undefined && { insecure }),
    ...(audience !== undefined && { audience }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(issuer !== undefined && { oidc: [{ issuer, audience: audience ?? 'kplug' }] }),
    ...(clientCa !== undefined && { clientCa }),
    ...(dnsNames && { dnsNames }),
    ...(serviceName !== undefined && { serviceName }),
    ...certificateOf(settings),
  };
}

function certificateOf({
  tlsCertDir: folder,
  tlsSecretName: secret,
}: SettingValues): Pick<SecurityOptions, 'certificate'> {
  if (folder !== undefined && secret !== undefined) {
    throw new KplugError(
      'InvalidConfiguration',
      '--tls-cert-dir and --tls-secret-name both name the certificate of the operator; remove one',
    );
  }
  if (folder !== undefined) return { certificate: { folder } };
  return secret === undefined ? {} : { certificate: { secret } };
}
