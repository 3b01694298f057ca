import { formatJson } from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import type { JsonValue } from '../resource.ts';
import { ApiError, type ApiErrorReason } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

/** Label of the leader's pod, which the heartbeat Service selects. */
export const leaderLabel = { name: 'kplug.dev/role', value: 'leader' } as const;

/** Labels the pod of the leader, so that heartbeats go to the leader's registry. */
export class LeaderLabel {
  readonly pod: string;
  readonly #transport: Transport;
  readonly #namespace: string;

  /** @param place `pod`: name of the pod of this process. */
  constructor(transport: Transport, { namespace, pod }: { namespace: string; pod: string }) {
    this.#transport = transport;
    this.#namespace = namespace;
    this.pod = pod;
  }

  /** Labels the pod of this process. Rejects with `StorageFailed`. */
  async add(): Promise<void> {
    const body = { metadata: { labels: { [leaderLabel.name]: leaderLabel.value } } };
    await this.#patch(this.pod, 'application/merge-patch+json', body, []);
  }

  /**
   * Removes the label from a pod, if the pod exists and has it. Other pods are not changed, as the name comes from the Lease. Rejects with
   * `StorageFailed`.
   */
  async remove(pod: string): Promise<void> {
    const path = `/metadata/labels/${leaderLabel.name.replace('/', '~1')}`;
    const steps = [
      { op: 'test', path, value: leaderLabel.value },
      { op: 'remove', path },
    ];
    await this.#patch(pod, 'application/json-patch+json', steps, ['NotFound', 'Invalid']);
  }

  /** @param allowed reasons of failures that mean that there is nothing to change. */
  async #patch(pod: string, contentType: string, body: JsonValue, allowed: readonly ApiErrorReason[]): Promise<void> {
    const namespace = this.#namespace;
    try {
      await this.#transport.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`,
        verb: 'patch',
        resource: 'pods',
        contentType,
        body: formatJson(body),
      });
    } catch (cause) {
      if (cause instanceof ApiError && allowed.includes(cause.reason)) return;
      const isForbidden = cause instanceof ApiError && cause.reason === 'Forbidden';
      const reason = isForbidden
        ? missingRule({ group: '', resource: 'pods', verbs: ['patch'], namespace })
        : messageOf(cause);
      const message = `The label ${leaderLabel.name} of the pod ${namespace}/${pod} can't be changed, so heartbeats don't reach the leader: ${reason}`;
      throw new KplugError('StorageFailed', message, { cause });
    }
  }
}
