/** User of the cluster, as the API server knows it. */
export interface ClusterUser {
  /** Name of the user, for example `system:serviceaccount:databases:postgresql`. */
  user: string;
  uid?: string;
  groups?: readonly string[];
  /** Further attributes, which authorizers may need. */
  extra?: Readonly<Record<string, readonly string[]>>;
}

/** Result of a TokenReview. */
export type ReviewedToken =
  | (ClusterUser & {
      authenticated: true;
      /** Pod that the token is bound to. */
      pod?: { name: string; uid: string };
      /** Requested audiences that the token is for. */
      audiences: readonly string[];
    })
  | {
      authenticated: false;
      /** Reason of the API server, for people; may be empty. */
      reason: string;
    };

/** Reviews tokens of the cluster's users. */
export interface TokenReviewer {
  /**
   * Reviews a token for an audience. Rejects with `StorageFailed` when the review itself fails.
   *
   * @param audience default: the API server itself, as for any user of the cluster.
   */
  review(token: string, audience?: string): Promise<ReviewedToken>;
}
