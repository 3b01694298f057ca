import type { Protocol, Registration } from '../registry/registration.ts';
import type { PluginClient, PluginClientOptions } from './plugin-client.ts';
import { V0Client } from './v0/client.ts';
import { V1Client } from './v1/client.ts';

const clients: Record<Protocol, new (registration: Registration, options: PluginClientOptions) => PluginClient> = {
  'kplug.v1': V1Client,
  kplug: V0Client,
};

/** Creates a client of an instance in the protocol that it speaks. */
export function openClient(registration: Registration, options: PluginClientOptions): PluginClient {
  return new clients[registration.protocol](registration, options);
}
