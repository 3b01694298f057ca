import { watchHealth } from './health.ts';
import { openClient } from './open-client.ts';

/** Transport to plugins. The simulation of this repository's tests replaces it; everything else in `clients/` stays the same. */
export interface PluginTransport {
  /** Creates a client of an instance. */
  openClient: typeof openClient;
  /** Watches the health of a service on a client's channel. */
  watchHealth: typeof watchHealth;
}

/** Transport over gRPC. */
export const grpcTransport: PluginTransport = { openClient, watchHealth };
