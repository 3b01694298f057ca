/** Removes the `Attachment` resources whose leases have expired. */
export interface AttachmentStore {
  /** Removes an attachment, unless another one has its name by now. Rejects with `StorageFailed`. */
  remove(attachment: { namespace: string; name: string; uid: string }): Promise<void>;
}
