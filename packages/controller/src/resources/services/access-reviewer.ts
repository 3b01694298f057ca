import type { ResourceKind } from '../resource.ts';

/** Right that the operator needs on a kind. */
export interface NeededRight {
  kind: ResourceKind;
  /** Missing for the kind itself. */
  subresource?: 'status';
  /** Verbs as in RBAC, for example `patch`. */
  verbs: readonly string[];
}

/** Reviews the rights of the operator. */
export interface AccessReviewer {
  /**
   * Returns, for each right that is missing, which one it is and the rule that would grant it. A kind that doesn't exist needs no
   * rights. Rejects with `StorageFailed` when the review itself fails.
   */
  review(rights: readonly NeededRight[]): Promise<string[]>;
}
