import { createHash } from 'node:crypto';
import type { Dependent, Dependents, RuledDependent } from '@kplug/sdk';
import { type Instance, servedAnnotation, upgradedFromAnnotation, versionLabel } from './instance.ts';

/** User of the containers: that of the official images of PostgreSQL and MariaDB. */
const user = 999;

/** Properties of a kind of server. */
export interface Server {
  /** Name of the server, in labels. */
  type: string;
  port: number;
  /** Fields of the Secret. */
  secret: Record<string, string>;
  /** Files of the ConfigMap, which is mounted at `/config`. */
  files: Record<string, string>;
  /** Path at which the volume is mounted. */
  dataPath: string;
  /** Arguments of the image. */
  args: string[];
  env: object[];
  /** Paths of files of the ConfigMap elsewhere, by name. */
  mounts?: Record<string, string>;
  /** Containers that prepare the volume, by name. They have the same mounts. */
  prepare?: { name: string; version: string; args: string[]; env: object[] }[];
}

interface Container {
  ports?: { containerPort: number }[];
}

/** Returns the dependents of an instance in the order in which they are applied. The Secret and the volume stay when it is deleted. */
export function dependentsOf(instance: Instance, server: Server): (Dependent | RuledDependent)[] {
  return [
    { manifest: secretOf(instance, server), policy: 'CreateOnly', retain: true },
    { manifest: claimOf(instance, server), retain: true },
    configOf(instance, server),
    statefulSetOf(instance, server),
    serviceOf(instance, server),
  ];
}

function secretOf({ name }: Instance, { type, secret }: Server): Dependent {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: labelsOf(name, type) }, stringData: secret };
}

function claimOf({ name, storage }: Instance, { type }: Server): Dependent {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, labels: labelsOf(name, type) }, spec };
}

function configOf({ name }: Instance, { type, files }: Server): Dependent {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: labelsOf(name, type) }, data: files };
}

function statefulSetOf(instance: Instance, server: Server): Dependent {
  const { name, version, served, upgradedFrom } = instance;
  const labels = labelsOf(name, server.type);
  const volumeMounts = [
    { name: 'data', mountPath: server.dataPath },
    { name: 'config', mountPath: '/config', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    ...Object.entries(server.mounts ?? {}).map(([subPath, mountPath]) => {
      return { name: 'config', mountPath, subPath, readOnly: true };
    }),
  ];
  const resources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };
  const container = (containerName: string, itsVersion: string, args: string[], env: object[]) => ({
    name: containerName,
    image: instance.imageOf(itsVersion),
    args,
    env,
    resources,
    volumeMounts,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  });
  const prepare = server.prepare ?? [];
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name,
      labels: { ...labels, [versionLabel]: version },
      annotations: {
        ...(served && { [servedAnnotation]: served }),
        ...(upgradedFrom && { [upgradedFromAnnotation]: upgradedFrom }),
      },
    },
    spec: {
      replicas: 1,
      serviceName: name,
      // A pod that does not start is replaced when its version changes again. With OrderedReady, it would be waited for.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels: { ...labels, [versionLabel]: version },
          // Restarts the server when a file changes.
          annotations: { 'platform.example.org/config': digestOf(server.files) },
        },
        spec: {
          enableServiceLinks: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: user,
            runAsGroup: user,
            fsGroup: user,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          ...(prepare.length > 0 && {
            initContainers: prepare.map((one) => container(one.name, one.version, one.args, one.env)),
          }),
          containers: [
            {
              ...container(server.type, version, server.args, server.env),
              ports: [{ name: server.type, containerPort: server.port }],
              readinessProbe: { tcpSocket: { port: server.type }, periodSeconds: 1 },
            },
          ],
          volumes: [
            { name: 'data', persistentVolumeClaim: { claimName: name } },
            { name: 'config', configMap: { name } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

function serviceOf({ name }: Instance, { type, port }: Server): Dependent {
  const labels = labelsOf(name, type);
  const spec = { selector: labels, ports: [{ name: type, port, targetPort: type }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, labels }, spec };
}

/** Entry of a container's environment with a field of the Secret. */
export function fromSecret(secret: string, name: string, key: string): object {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/** File for `/etc/passwd`, as the servers need a name for their user. */
export const passwd = `root:x:0:0::/root:/sbin/nologin\ndatabase:x:${user}:${user}::/tmp:/sbin/nologin\n`;

function labelsOf(name: string, type: string): Record<string, string> {
  return { 'app.kubernetes.io/name': type, 'app.kubernetes.io/instance': name };
}

function digestOf(files: Record<string, string>): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
}

/** Returns the port of a server; `undefined` until its StatefulSet exists. */
export function portOf(observed: Dependents, name: string): number | undefined {
  const set = observed.get<{ spec: { template: { spec: { containers: Container[] } } } }>('StatefulSet', name);
  return set?.spec.template.spec.containers[0]?.ports?.[0]?.containerPort;
}
