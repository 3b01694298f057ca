import type { Dependent } from '@kplug/sdk';
import type { LinkedCapability } from './capability.ts';

/** Returns the Deployment of a component. Its environment has the connection parameters of each capability. */
export function deploymentOf(
  name: string,
  { image, args, replicas }: { image: string; args?: string[] | undefined; replicas: number },
  links: readonly LinkedCapability[],
): Dependent {
  const labels = { 'app.kubernetes.io/name': name };
  const container = {
    name: 'component',
    image,
    ...(args && { args }),
    env: links.flatMap(environmentOf),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  const pod = {
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
}

/** Returns the variables of a capability, such as `DATABASE_HOST`. The password stays in the Secret of the capability. */
function environmentOf({
  spec: { category },
  status: { host, port, database, username, secretName } = {},
}: LinkedCapability) {
  const prefix = category.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  const plain = { HOST: host, PORT: port, NAME: database, USER: username };
  return [
    ...Object.entries(plain).flatMap(([field, value]) =>
      value === undefined ? [] : [{ name: `${prefix}_${field}`, value: String(value) }],
    ),
    { name: `${prefix}_PASSWORD`, valueFrom: { secretKeyRef: { name: secretName, key: 'password' } } },
  ];
}
