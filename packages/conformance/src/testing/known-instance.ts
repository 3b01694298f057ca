/** An instance that registered with the wrong controller. */
export interface KnownInstance {
  instanceId: string;
  address: string;
  version: string;
  api: string;
  /** Capabilities that it registered. */
  provides: readonly { category: string; type: string; versions: readonly string[] }[];
  protocol: 'kplug.v1' | 'kplug';
  /** Certificate that it registered (DER); empty for none. */
  certificate: Uint8Array;
  /** Time of the last heartbeat, in milliseconds since the epoch. */
  heartbeatAt: number;
}
