// attachments/: resources that users take over with a plugin of their own machine.
import type { LabelPredicate } from './label-selector.ts';

/** Resources that a user takes over with a plugin elsewhere: those of a delegation, in one namespace, with certain labels. */
export interface Attachment {
  /** `namespace/name` of the `Attachment` resource. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Name of the delegation. */
  readonly delegation: string;
  readonly matches: LabelPredicate;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
  /** User that took the resources over, for people. */
  readonly user: string;
  /** Time of creation, as the API server wrote it. */
  readonly createdAt: string;
}

/** Part of an attachment that concerns the choice for a resource. */
export type ResourceAttachment = Pick<Attachment, 'key' | 'user'>;

/** Finds the attachments of resources. */
export interface AttachmentSource {
  /** Reports whether a delegation has any attachments. */
  has(delegation: string): boolean;
  /** Returns the attachment that a resource of a delegation belongs to: the oldest one that matches it. */
  of(delegation: string, base: AttachableResource): ResourceAttachment | undefined;
}

/** Part of a resource that decides whether an attachment matches it. */
export interface AttachableResource {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}

/** Orders attachments: the older one wins. */
export function byAge(a: Attachment, b: Attachment): number {
  return a.createdAt.localeCompare(b.createdAt) || a.uid.localeCompare(b.uid);
}
