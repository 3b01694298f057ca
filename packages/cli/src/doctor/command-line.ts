import { type ClusterChoice, meansCluster } from '../operator/cluster-choice.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';

/** Returns a kplug command line for the same operator, quoted for a shell. */
export function kplugCommand(choice: OperatorChoice, ...words: readonly string[]): string {
  const { admin, adminTokenFile, adminCa, manifests, operatorNamespace } = choice;
  const place = admin
    ? ['--admin', admin, ...flag('--admin-token-file', adminTokenFile), ...flag('--admin-ca', adminCa)]
    : meansCluster(choice)
      ? [...clusterFlags(choice), ...flag('--operator-namespace', operatorNamespace)]
      : manifests === '.'
        ? []
        : ['--manifests', manifests];
  return ['kplug', ...words, ...place].map(quote).join(' ');
}

/** Returns a kubectl command line for the same cluster, quoted for a shell. */
export function kubectlCommand({ context, kubeconfig }: ClusterChoice, ...words: readonly string[]): string {
  return ['kubectl', ...flag('--kubeconfig', kubeconfig), ...flag('--context', context), ...words].map(quote).join(' ');
}

function clusterFlags({ context, kubeconfig }: ClusterChoice): string[] {
  const named = [...flag('--kubeconfig', kubeconfig), ...flag('--context', context)];
  return named.length > 0 ? named : ['--cluster'];
}

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
