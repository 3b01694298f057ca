/** Returns the host of a peer in grpc-js's format: `host:port`, IPv6 with or without brackets. */
export function hostOfPeer(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
}
