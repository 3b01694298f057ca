/** Key and certificate chain of a server, as PEM. */
export interface TlsKeyPair {
  readonly key: string | Buffer;
  /** Certificate of the server, followed by its intermediates. */
  readonly cert: string | Buffer;
}

/** Source of a server's key and certificate, which may be renewed while the server runs. */
export interface TlsMaterial {
  current(): TlsKeyPair;
  /** Calls the listener after each renewal. Returns a function that removes it. */
  subscribe(listener: () => void): () => void;
}
