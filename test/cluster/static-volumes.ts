import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getJson, kubectl } from './commands.ts';

interface StorageClasses {
  items: { metadata: { annotations?: Record<string, string> } }[];
}

/** Volumes for a cluster without a default StorageClass: folders of one node, for claims without a class. */
export class StaticVolumes {
  readonly #name: string;
  readonly #image: string;
  #created = 0;

  /** @param name prefix of all names. @param image image with `sh`, which creates and removes the folders. */
  constructor(name: string, image: string) {
    this.#name = name;
    this.#image = image;
  }

  /** Creates volumes of 1 GiB, unless the cluster has a default StorageClass. */
  async create(count: number): Promise<void> {
    const { items } = await getJson<StorageClasses>('storageclasses');
    const isDefault = 'storageclass.kubernetes.io/is-default-class';
    if (items.some(({ metadata }) => metadata.annotations?.[isDefault] === 'true')) return;
    this.#created = count;
    await kubectl('create', 'namespace', this.#name);
    // Any user may write to the folders, as Kubernetes does not change the owner of such volumes.
    const node = await this.#onNode(`mkdir -p -m 0777 ${this.#folders().join(' ')}`);
    const values = [node];
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }];
    await this.#apply(
      Array.from({ length: count }, (_, index) => ({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `${this.#name}-${index}` },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          hostPath: { path: `/tmp/${this.#name}/${index}`, type: 'Directory' },
          nodeAffinity: { required: { nodeSelectorTerms: terms } },
        },
      })),
    );
  }

  /** Removes the volumes with their folders. Their claims must have been deleted. */
  async remove(): Promise<void> {
    if (this.#created === 0) return;
    const names = Array.from({ length: this.#created }, (_, index) => `${this.#name}-${index}`);
    await kubectl('delete', 'persistentvolumes', ...names, '--timeout=60s');
    await this.#onNode(`rm -rf /volumes/${this.#name}`);
    await kubectl('delete', 'namespace', this.#name, '--timeout=60s');
  }

  #folders(): string[] {
    return Array.from({ length: this.#created }, (_, index) => `/volumes/${this.#name}/${index}`);
  }

  /** Runs a command in a pod with the node's `/tmp` at `/volumes`. Returns the node of the pod. */
  async #onNode(command: string): Promise<string> {
    const where = ['--namespace', this.#name];
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'folders', namespace: this.#name },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'folders',
            image: this.#image,
            command: ['sh', '-ec', command],
            securityContext: { runAsUser: 0 },
            volumeMounts: [{ name: 'volumes', mountPath: '/volumes' }],
          },
        ],
        volumes: [{ name: 'volumes', hostPath: { path: '/tmp' } }],
      },
    };
    await this.#apply([pod]);
    await kubectl('wait', 'pod/folders', ...where, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s');
    const { spec } = await getJson<{ spec: { nodeName: string } }>('pod', 'folders', ...where);
    await kubectl('delete', 'pod', 'folders', ...where);
    return spec.nodeName;
  }

  async #apply(items: object[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-volumes-'));
    const file = join(folder, 'list.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await kubectl('apply', '--filename', file);
    await rm(folder, { recursive: true });
  }
}
