/** Result of a TokenReview. */
export type ReviewedToken =
  | {
      authenticated: true;
      /** Name of the user, for example `system:serviceaccount:databases:postgresql`. */
      user: string;
      /** Pod that the token is bound to. */
      pod?: { name: string; uid: string };
      /** Requested audiences that the token is for. */
      audiences: readonly string[];
    }
  | {
      authenticated: false;
      /** Reason of the API server, for people; may be empty. */
      reason: string;
    };

/** Reviews tokens of the cluster's users. */
export interface TokenReviewer {
  /** Reviews a token for an audience. Rejects with `StorageFailed` when the review itself fails. */
  review(token: string, audience: string): Promise<ReviewedToken>;
}
