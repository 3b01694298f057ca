import { type ClusterReader, isJsonObject, type LoggedPod, type PortForwardAgent } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { findOperatorPod, listOperatorPods } from './operator-pods.ts';

/** Heartbeat port of a pod of the chart. */
const heartbeatPort = 50_050;

/** Annotations that the chart sets. */
const attachmentsAnnotation = 'kplug.dev/attachments';
const caAnnotation = 'kplug.dev/ca';

const configMapKind = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  hasStatus: false,
  shortNames: [],
};

/** Operator of a cluster to which plugins can be attached. */
export class AttachableOperator {
  readonly #reader: ClusterReader;
  readonly #namespace: string;
  readonly #caName: string | undefined;

  private constructor(reader: ClusterReader, { namespace, annotations }: LoggedPod) {
    this.#reader = reader;
    this.#namespace = namespace;
    this.#caName = annotations[caAnnotation];
  }

  /** Finds the operator of a cluster. Rejects with a `CommandError` if there is none, or one that follows no attachments. */
  static async find(reader: ClusterReader, namespace: string | undefined): Promise<AttachableOperator> {
    const pod = await findOperatorPod(reader, namespace, 'install the chart');
    if (pod.annotations[attachmentsAnnotation] !== 'enabled') {
      throw new CommandError(
        'failed',
        `the operator in ${pod.namespace} follows no attachments: its chart is older, or attach.enabled is not set; ask its administrator to set it`,
      );
    }
    return new AttachableOperator(reader, pod);
  }

  /** Name of the ClusterRole of the chart with the right to attach. */
  get clusterRole(): string {
    const fullName = this.#caName?.replace(/-ca$/, '') ?? 'kplug';
    return `${fullName}-${this.#namespace}-attach`;
  }

  /** Reads the CA of the operator, as PEM. Rejects with a `CommandError`. */
  async readCa(): Promise<Buffer> {
    const name = this.#caName ?? 'kplug-ca';
    const place = `the ConfigMap ${this.#namespace}/${name}`;
    const map = await this.#reader.get(configMapKind, this.#namespace, name);
    const data = (map as { data?: unknown } | undefined)?.data;
    const ca = isJsonObject(data as never) ? (data as unknown as Record<string, unknown>)['ca.crt'] : undefined;
    if (typeof ca !== 'string' || ca === '') {
      throw new CommandError('failed', `${place} has no ca.crt with the CA of the operator; is the operator running?`);
    }
    return Buffer.from(ca);
  }

  /** Returns an agent that connects to the heartbeat port of the operator that leads now. */
  async connect(): Promise<PortForwardAgent> {
    const [pod] = await listOperatorPods(this.#reader, this.#namespace);
    if (!pod) throw new CommandError('unreachable', `the namespace ${this.#namespace} has no operator now`);
    return this.#reader.forwardTo({ namespace: pod.namespace, name: pod.name, port: heartbeatPort });
  }
}
