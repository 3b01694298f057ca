import { KplugError, messageOf } from '../../errors.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** The label of the leader's pod, which the heartbeat Service selects. */
export const leaderLabel = { name: 'kplug.dev/role', value: 'leader' } as const;

/** Marks the pod of the leader, so that heartbeats go where the registry is. */
export class LeaderLabel {
  readonly pod: string;
  readonly #transport: Transport;
  readonly #namespace: string;

  /** @param pod the name of the pod that this process runs in. */
  constructor(transport: Transport, { namespace, pod }: { namespace: string; pod: string }) {
    this.#transport = transport;
    this.#namespace = namespace;
    this.pod = pod;
  }

  /** Marks this process's own pod. Rejects with `StorageFailed`. */
  async add(): Promise<void> {
    await this.#patch(this.pod, leaderLabel.value);
  }

  /** Takes the mark from a pod. One that isn't there any more is fine. Rejects with `StorageFailed`. */
  async remove(pod: string): Promise<void> {
    await this.#patch(pod, null);
  }

  async #patch(pod: string, value: string | null): Promise<void> {
    const namespace = this.#namespace;
    try {
      await this.#transport.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`,
        verb: 'patch',
        resource: 'pods',
        contentType: 'application/merge-patch+json',
        body: JSON.stringify({ metadata: { labels: { [leaderLabel.name]: value } } }),
      });
    } catch (cause) {
      if (value === null && cause instanceof ApiError && cause.reason === 'NotFound') return;
      const isForbidden = cause instanceof ApiError && cause.reason === 'Forbidden';
      const why = isForbidden
        ? missingRule({ group: '', resource: 'pods', verbs: ['patch'], namespace })
        : messageOf(cause);
      const message = `The label ${leaderLabel.name} of the pod ${namespace}/${pod} can't be changed, so heartbeats don't find the leader: ${why}`;
      throw new KplugError('StorageFailed', message, { cause });
    }
  }
}
