/** Proven identity of a plugin. */
export type Identity =
  /** ServiceAccount of a cluster, by a token that the API server reviewed. `pod` is the pod that the token is bound to. */
  | { kind: 'serviceaccount'; namespace: string; name: string; pod?: { name: string; uid: string } }
  /** Holder of a token that the operator issued, for the plugins with these names. */
  | { kind: 'token'; name: string; plugins: readonly string[] }
  /** Subject of a token of an OIDC issuer. */
  | { kind: 'oidc'; issuer: string; subject: string }
  /** Holder of a client certificate, by a name of it: a URI such as a SPIFFE id, or a DNS name. */
  | { kind: 'certificate'; name: string }
  /** Process that the controller started from its plugins folder. */
  | { kind: 'folder'; name: string }
  /** Plugin without heartbeats, by its declaration. */
  | { kind: 'declaration'; namespace: string; name: string }
  /** Process on the operator's own machine, on a heartbeat port of the loopback interface. */
  | { kind: 'loopback' }
  /** Unproven, with a controller that allows insecure plugins. */
  | { kind: 'anonymous' };

/**
 * Returns the owner that an identity stands for, as text: `serviceaccount:databases/postgresql`, `token:ci`. Plugin names belong to
 * owners. Pods of one ServiceAccount are one owner, and so are the processes of the plugins folder.
 */
export function ownerOf(identity: Identity): string {
  switch (identity.kind) {
    case 'serviceaccount':
    case 'declaration':
      return `${identity.kind}:${identity.namespace}/${identity.name}`;
    case 'token':
    case 'certificate':
      return `${identity.kind}:${identity.name}`;
    case 'oidc':
      return `oidc:${identity.issuer}#${identity.subject}`;
    case 'folder':
    case 'loopback':
    case 'anonymous':
      return identity.kind;
  }
}

/** Returns the process that an identity is bound to, as text; `undefined` if several processes may prove it. */
export function processOf(identity: Identity): string | undefined {
  if (identity.kind === 'serviceaccount' && identity.pod) return `pod:${identity.pod.uid}`;
  return identity.kind === 'folder' ? `folder:${identity.name}` : undefined;
}
