/** An instance that registered with the wrong controller. */
export interface KnownInstance {
  instanceId: string;
  address: string;
  version: string;
  api: string;
  protocol: 'kplug.v1' | 'kplug';
  /** Time of the last heartbeat, in milliseconds since the epoch. */
  heartbeatAt: number;
}
