import type { ClusterObject, TestCluster } from '@kplug/testing/control-plane';

/** Fields of a Deployment's spec that tests read. */
export interface DeploymentSpec {
  selector: { matchLabels: Record<string, string> };
  template: {
    metadata: { labels: Record<string, string> };
    spec: { containers: { ports: { name: string }[] }[] };
  };
}

/** Returns a pod as a Deployment makes it. */
export function podOf(deployment: ClusterObject, namespace: string): ClusterObject {
  const { template } = deployment.spec as DeploymentSpec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'try', namespace },
    spec: template.spec,
  };
}

/** Has the API server validate an object without storing it. Unknown fields are errors. */
export async function dryRun(cluster: TestCluster, object: ClusterObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const home = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
  const query = 'dryRun=All&fieldManager=helm&force=true&fieldValidation=Strict';
  const path = `${root}${home}/${plural}/${metadata.name}?${query}`;
  await cluster.request('PATCH', path, object, 'application/apply-patch+yaml');
}
