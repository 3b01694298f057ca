import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Resource } from '@kplug/controller';
import type { ClusterReader, NamedKind } from '@kplug/controller/tools';
import { objectsIn, textsIn } from '../doctor/read-json.ts';
import type { LabelSelector } from './parse-selector.ts';

/** Kind of attachments. */
export const attachmentKind: NamedKind = {
  apiVersion: 'attachments.kplug.dev/v1alpha1',
  kind: 'Attachment',
  plural: 'attachments',
  namespaced: true,
  hasStatus: true,
  shortNames: [],
};

/** Resources to take over. */
export interface AttachmentWish {
  namespace: string;
  delegation: string;
  selector: LabelSelector;
  all: boolean;
  leaseSeconds: number;
  user: string;
}

/** Attachment of this process, with its token. */
export class AttachmentObject {
  readonly #reader: ClusterReader;
  readonly namespace: string;
  readonly name: string;
  readonly token: string;

  private constructor(reader: ClusterReader, namespace: string, name: string, token: string) {
    this.#reader = reader;
    this.namespace = namespace;
    this.name = name;
    this.token = token;
  }

  /** Creates an attachment. Rejects with `StorageFailed`. */
  static async create(reader: ClusterReader, wish: AttachmentWish): Promise<AttachmentObject> {
    const { namespace, delegation, selector, all, leaseSeconds, user } = wish;
    const name = `${readable(user)}-${randomBytes(3).toString('hex')}`;
    const token = randomBytes(32).toString('base64url');
    const object = {
      apiVersion: attachmentKind.apiVersion,
      kind: attachmentKind.kind,
      metadata: { name },
      spec: {
        ...{ delegation, selector, all, user, host: hostname() },
        tokenSHA256: createHash('sha256').update(token).digest('hex'),
        leaseDurationSeconds: leaseSeconds,
        renewTime: new Date().toISOString(),
      },
    };
    await reader.create(attachmentKind, namespace, object);
    return new AttachmentObject(reader, namespace, name, token);
  }

  /** `namespace/name`. */
  get key(): string {
    return `${this.namespace}/${this.name}`;
  }

  /** Renews the lease. Returns the attachment; `undefined` if it has ended. Rejects with `StorageFailed`. */
  renew(): Promise<Resource | undefined> {
    return this.#reader.patch(attachmentKind, this, { spec: { renewTime: new Date().toISOString() } });
  }

  /** Reads the attachment; `undefined` if it has ended. Rejects with `StorageFailed`. */
  read(): Promise<Resource | undefined> {
    return this.#reader.get(attachmentKind, this.namespace, this.name);
  }

  /** Ends the attachment, if it exists. Rejects with `StorageFailed`. */
  remove(): Promise<void> {
    return this.#reader.remove(attachmentKind, this);
  }
}

/** Status of an attachment. */
export interface AttachmentStatus {
  taken: number;
  matched: number;
  plugin: string;
  resources: { name: string; plugin: string; taken: boolean; ready: string; takenBy: string }[];
  reason: string;
  message: string;
}

/** Reads the status of an attachment; `undefined` until an operator has written it. */
export function readAttachmentStatus({ status }: Resource): AttachmentStatus | undefined {
  if (!status) return undefined;
  const [condition] = objectsIn(status.conditions);
  const { plugin = '' } = textsIn(status);
  const { reason = '', message = '' } = textsIn(condition);
  return {
    ...{ plugin, reason, message },
    taken: Number(status.taken ?? 0),
    matched: Number(status.matched ?? 0),
    resources: objectsIn(status.resources).map((resource) => {
      const { name = '', plugin: chosen = '', ready = '', takenBy = '', taken } = textsIn(resource);
      return { name, plugin: chosen, ready, takenBy, taken: taken === 'True' };
    }),
  };
}

/** Returns the part of a name that tells people whose attachment it is. */
function readable(user: string): string {
  const last = user.split(/[:/@]/).find((part) => part !== '' && part !== 'system') ?? '';
  const cut = (user.startsWith('system:serviceaccount:') ? (user.split(':').at(-1) ?? '') : last).toLowerCase();
  return (
    cut
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 30)
      .replaceAll(/^-+|-+$/g, '') || 'user'
  );
}
