import { createHash, timingSafeEqual } from 'node:crypto';
import { RefusalReason } from '@kplug/protocol';
import type { Identity } from '../registry/identity.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Registration } from '../registry/registration.ts';
import { attachedVersion } from './attached-version.ts';
import { type AttachableResource, type Attachment, type AttachmentSource, byAge } from './attachment.ts';
import { Tunnel } from './tunnel.ts';

/** Prefix of the instance ids of attached plugins. */
const prefix = 'attachment/';

/** Identity of an attached plugin. */
export type AttachmentIdentity = Extract<Identity, { kind: 'attachment' }>;

/** Attachment with the way to its plugin. */
interface Entry {
  readonly attachment: Attachment;
  readonly tunnel: Tunnel;
}

/** Attachments whose leases are valid now. */
export class Attachments implements AttachmentSource {
  readonly #entries = new Map<string, Entry>();
  /** Attachments of each namespace and delegation, the oldest first. */
  readonly #ofPlace = new Map<string, Attachment[]>();

  /** Adds an attachment, and opens the port of its tunnel. */
  async add(attachment: Attachment): Promise<void> {
    const tunnel = new Tunnel();
    await tunnel.listen();
    this.#entries.set(attachment.key, { attachment, tunnel });
    const place = placeOf(attachment.namespace, attachment.delegation);
    this.#ofPlace.set(place, [...(this.#ofPlace.get(place) ?? []), attachment].sort(byAge));
  }

  /** Removes an attachment: its token is no longer accepted. */
  remove(key: string, reason: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    entry.tunnel.close(reason);
    const place = placeOf(entry.attachment.namespace, entry.attachment.delegation);
    const others = (this.#ofPlace.get(place) ?? []).filter((one) => one !== entry.attachment);
    if (others.length > 0) this.#ofPlace.set(place, others);
    else this.#ofPlace.delete(place);
  }

  get(key: string): Attachment | undefined {
    return this.#entries.get(key)?.attachment;
  }

  /** Reports whether the machine of an attached plugin is connected. */
  isConnected(key: string): boolean {
    return this.#entries.get(key)?.tunnel.isOpen ?? false;
  }

  all(): Attachment[] {
    return [...this.#entries.values()].map(({ attachment }) => attachment);
  }

  has(delegation: string): boolean {
    if (this.#ofPlace.size === 0) return false;
    for (const [first] of this.#ofPlace.values()) if (first?.delegation === delegation) return true;
    return false;
  }

  of(delegation: string, { metadata: { namespace = '', labels = {} } }: AttachableResource): Attachment | undefined {
    if (this.#ofPlace.size === 0) return undefined;
    return this.#ofPlace.get(placeOf(namespace, delegation))?.find(({ matches }) => matches(labels));
  }

  /** Sends a notice to the user of an attachment. */
  notify(key: string, notice: { resource: string; message: string }): void {
    this.#entries.get(key)?.tunnel.notify(notice);
  }

  /**
   * Identifies the attached plugin that an instance id belongs to; `undefined` for any other id. Throws `RefusedRegistration` for an id of
   * an attachment without its token.
   */
  check(instanceId: string, token: string | undefined): AttachmentIdentity | undefined {
    if (!instanceId.startsWith(prefix)) return undefined;
    const { attachment } = this.#prove(instanceId.slice(prefix.length), token);
    return { kind: 'attachment', namespace: attachment.namespace, name: attachment.name };
  }

  /** Returns the tunnel of an attachment. Throws `RefusedRegistration` without its token. */
  tunnelOf(key: string, token: string | undefined): Tunnel {
    return this.#prove(key, token).tunnel;
  }

  /**
   * Turns the registration of an attached plugin into one that serves the resources of its attachment only, and that is reached by its
   * tunnel. Its version names the attachment, so that nothing takes it for the plugin for which it stands in. Throws `RefusedRegistration`.
   */
  admit(registration: Registration, { namespace, name }: AttachmentIdentity): Registration {
    const key = `${namespace}/${name}`;
    const entry = this.#entries.get(key);
    if (!entry) throw ended(key);
    const { pod: _, ...rest } = registration;
    return {
      ...rest,
      version: attachedVersion(registration.version, entry.attachment),
      attachment: key,
      target: entry.tunnel.address,
    };
  }

  /** Ends all tunnels. */
  close(): void {
    for (const key of [...this.#entries.keys()]) this.remove(key, 'the operator stops');
  }

  #prove(key: string, token: string | undefined): Entry {
    const entry = this.#entries.get(key);
    // An unknown attachment takes as long as a known one, and is told from it by nothing but the token.
    const digest = createHash('sha256')
      .update(token ?? '')
      .digest();
    if (entry && token !== undefined && timingSafeEqual(digest, entry.attachment.digest)) return entry;
    throw ended(key);
  }
}

/** Id with which the plugin of an attachment registers. */
export function attachedInstanceId(key: string): string {
  return `${prefix}${key}`;
}

function placeOf(namespace: string, delegation: string): string {
  return `${namespace}/${delegation}`;
}

function ended(key: string): RefusedRegistration {
  return new RefusedRegistration(
    RefusalReason.UNAUTHENTICATED,
    `there is no attachment ${JSON.stringify(key)} with this token: it has ended, its lease has expired, or the token is another one; run "kplug attach" again`,
  );
}
