import { formatJson } from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import type { AttachmentStore } from '../services/attachment-store.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const served = {
  apiVersion: 'attachments.kplug.dev/v1alpha1',
  kind: 'Attachment',
  plural: 'attachments',
  namespaced: true,
  hasStatus: true,
};

/** Removes `Attachment` resources. */
export class KubernetesAttachmentStore implements AttachmentStore {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async remove({ namespace, name, uid }: { namespace: string; name: string; uid: string }): Promise<void> {
    try {
      await this.#transport.request({
        method: 'DELETE',
        path: objectPath(served, namespace, name),
        verb: 'delete',
        resource: served.plural,
        body: formatJson({ preconditions: { uid } }),
        contentType: 'application/json',
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === 'NotFound' || error.reason === 'Conflict') return;
      const right = { group: 'attachments.kplug.dev', resource: served.plural, verbs: ['delete'], namespace };
      const reason = error.reason === 'Forbidden' ? missingRule(right) : messageOf(error);
      throw new KplugError('StorageFailed', `The Attachment ${namespace}/${name} can't be deleted: ${reason}`, {
        cause: error,
      });
    }
  }
}
