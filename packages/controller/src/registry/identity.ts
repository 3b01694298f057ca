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
  /** Plugin that a user attached to a cluster from elsewhere, by its `Attachment`. */
  | { kind: 'attachment'; namespace: string; name: string }
  /** Plugin without heartbeats, by its declaration. */
  | { kind: 'declaration'; namespace: string; name: string }
  /** Process on the operator's own machine, on a heartbeat port of the loopback interface. */
  | { kind: 'loopback' }
  /** Unproven, with a controller that allows insecure plugins. */
  | { kind: 'anonymous' };

/**
 * Returns the owner that an identity stands for, as text: `serviceaccount:databases/postgresql`, `token:ci`. Plugin names belong to
 * owners. Pods of one ServiceAccount are one owner, and so are the processes of the operator's own machine.
 */
export function ownerOf(identity: Identity): string {
  switch (identity.kind) {
    case 'serviceaccount':
    case 'declaration':
    case 'attachment':
      return `${identity.kind}:${identity.namespace}/${identity.name}`;
    case 'token':
    case 'certificate':
      return `${identity.kind}:${identity.name}`;
    case 'oidc':
      return `oidc:${identity.issuer}#${identity.subject}`;
    case 'folder':
    case 'loopback':
      return 'local';
    case 'anonymous':
      return 'anonymous';
  }
}

/** Returns the process that an identity is bound to, as text; `undefined` if several processes may prove it. */
export function processOf(identity: Identity): string | undefined {
  // A process that replaces the attached one, as its code changed, brings the token, too.
  if (identity.kind === 'attachment') return ownerOf(identity);
  if (identity.kind === 'serviceaccount' && identity.pod) return `pod:${identity.pod.uid}`;
  return identity.kind === 'folder' ? `folder:${identity.name}` : undefined;
}

/** Reads an owner that `ownerOf` returned; the plugin names of a token are unknown then. Returns `undefined` for any other text. */
export function readOwner(text: string, pod?: { name: string; uid: string }): Identity | undefined {
  const { kind, rest = '' } = /^(?<kind>[a-z]+)(:(?<rest>.*))?$/s.exec(text)?.groups ?? {};
  const at = kind === 'oidc' ? rest.lastIndexOf('#') : rest.indexOf('/');
  const [first, last] = [rest.slice(0, at), rest.slice(at + 1)];
  switch (kind) {
    case 'serviceaccount':
      return { kind, namespace: first, name: last, ...(pod && { pod }) };
    case 'declaration':
    case 'attachment':
      return { kind, namespace: first, name: last };
    case 'token':
      return { kind, name: rest, plugins: [] };
    case 'certificate':
      return { kind, name: rest };
    case 'oidc':
      return { kind, issuer: first, subject: last };
    case 'local':
      return { kind: 'loopback' };
    case 'anonymous':
      return { kind };
    default:
      return undefined;
  }
}
