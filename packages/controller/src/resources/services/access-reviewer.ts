import type { ResourceKind } from '../resource.ts';
import type { ClusterUser } from './token-reviewer.ts';

/** Right that the operator needs on a kind. */
export interface NeededRight {
  kind: ResourceKind;
  /** Missing for the kind itself. */
  subresource?: 'status';
  /** Verbs as in RBAC, for example `patch`. */
  verbs: readonly string[];
}

/** Right of a user, as in RBAC. */
export interface UserRight {
  group: string;
  /** Resource, such as `plugins/admin`. */
  resource: string;
  verb: string;
  /** Missing for all namespaces. */
  namespace?: string | undefined;
}

/** Reviews the rights of the operator and of users. */
export interface AccessReviewer {
  /**
   * Returns, for each right that is missing, which one it is and the rule that would grant it. A kind that doesn't exist needs no
   * rights. Rejects with `StorageFailed` when the review itself fails.
   */
  review(rights: readonly NeededRight[]): Promise<string[]>;
  /** Reports whether a user has a right. Rejects with `StorageFailed` when the review itself fails. */
  allows(user: ClusterUser, right: UserRight): Promise<boolean>;
}
