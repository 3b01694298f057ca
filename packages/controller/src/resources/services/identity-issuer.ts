/** Token of a ServiceAccount. */
export interface IssuedToken {
  token: string;
  /** Expiry, in milliseconds since the epoch. */
  expiresAt: number;
}

/** Issues tokens of ServiceAccounts, so that plugins that the controller runs don't need the operator's own rights. */
export interface IdentityIssuer {
  /** Issues a token of a ServiceAccount in the operator's namespace. Rejects with `StorageFailed`. */
  issue(serviceAccount: string): Promise<IssuedToken>;
  /** Returns a kubeconfig that reads its token from a file, which holds an `ExecCredential`. */
  kubeconfig(credentialFile: string): string;
}
