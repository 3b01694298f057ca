import { formatJson } from '@kplug/protocol';
import type { KubeConfig } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';
import { seconds } from '../../limits/limit.ts';
import { limits } from '../../limits/limits.ts';
import { isJsonObject } from '../json.ts';
import type { IdentityIssuer, IssuedToken } from '../services/identity-issuer.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** Lifetime of a token, in seconds. */
const lifetime = limits.kubernetes.tokenLifetime / seconds;

/** Issues tokens of ServiceAccounts in the operator's namespace, by TokenRequests. */
export class PluginIdentities implements IdentityIssuer {
  readonly #transport: Transport;
  readonly #kubeConfig: KubeConfig;
  readonly #namespace: string;

  constructor(transport: Transport, { kubeConfig, namespace }: { kubeConfig: KubeConfig; namespace: string }) {
    this.#transport = transport;
    this.#kubeConfig = kubeConfig;
    this.#namespace = namespace;
  }

  async issue(serviceAccount: string): Promise<IssuedToken> {
    const path = `/api/v1/namespaces/${encodeURIComponent(this.#namespace)}/serviceaccounts/${encodeURIComponent(serviceAccount)}/token`;
    try {
      const { status } = await this.#transport.request({
        method: 'POST',
        path,
        verb: 'create',
        resource: 'serviceaccounts/token',
        body: formatJson({
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { expirationSeconds: lifetime },
        }),
      });
      const { token, expirationTimestamp } = isJsonObject(status) ? status : {};
      if (typeof token !== 'string') throw new ApiError('Failed', 'the response has no token');
      return { token, expiresAt: Date.parse(String(expirationTimestamp)) || Date.now() + lifetime * 1_000 };
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      throw new KplugError('StorageFailed', this.#explain(serviceAccount, cause), { cause });
    }
  }

  kubeconfig(credentialFile: string): string {
    const cluster = this.#kubeConfig.getCurrentCluster();
    const { server, caData, caFile, skipTLSVerify, tlsServerName } = cluster ?? { server: '' };
    return formatJson({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'cluster',
          cluster: {
            server,
            ...(caData ? { 'certificate-authority-data': caData } : caFile ? { 'certificate-authority': caFile } : {}),
            ...(skipTLSVerify && { 'insecure-skip-tls-verify': true }),
            ...(tlsServerName && { 'tls-server-name': tlsServerName }),
          },
        },
      ],
      // All clients support `exec` and run it again when the token has expired; `tokenFile` isn't supported by all.
      users: [{ name: 'plugin', user: { exec: credentialCommand(credentialFile) } }],
      contexts: [{ name: 'plugin', context: { cluster: 'cluster', user: 'plugin', namespace: this.#namespace } }],
      'current-context': 'plugin',
    });
  }

  #explain(serviceAccount: string, error: ApiError): string {
    const subject = `The operator can't act as the ServiceAccount ${this.#namespace}/${serviceAccount}`;
    if (error.reason === 'NotFound') return `${subject}: there is no such ServiceAccount; create it`;
    if (error.reason !== 'Forbidden') return `${subject}: ${messageOf(error)}`;
    const right = { group: '', resource: 'serviceaccounts/token', verbs: ['create'], namespace: this.#namespace };
    return `${subject}: ${missingRule(right)}, for the resourceNames: ["${serviceAccount}"]`;
  }
}

function credentialCommand(file: string): object {
  return { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat', args: [file], interactiveMode: 'Never' };
}
