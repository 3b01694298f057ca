import type { firstKplug, GrpcHandlers } from '@kplug/protocol';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { Registry } from '../../registry/registry.ts';
import { hostOfPeer } from '../host-of-peer.ts';
import { readPluginInformation } from './read-registration.ts';
import type { RegistrationReader } from '../../registry/read-registration.ts';
import type { HeartbeatObserver } from '../registry-service.ts';

/** Serves the first Kplug's `kplug.Controller` from a registry. What isn't accepted is answered, not ended with an error. */
export function firstKplugService(
  registry: Registry,
  reader: RegistrationReader,
  observer: HeartbeatObserver,
): GrpcHandlers<typeof firstKplug.Controller> {
  return {
    pluginHeartbeat: (message, call) => {
      try {
        registry.register(readPluginInformation(message, hostOfPeer(call.getPeer()), reader));
        observer.heard('first-kplug');
        return { accepted: true };
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        observer.refused(error.reason);
        return { accepted: false, notAcceptedReason: error.message };
      }
    },
  };
}
