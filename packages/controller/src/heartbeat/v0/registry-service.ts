// heartbeat/v0/: heartbeats in the first Kplug's protocol.
import type { GrpcHandlers, v0 } from '@kplug/protocol';
import type { RegistrationReader } from '../../registry/read-registration.ts';
import type { RefusedClaims } from '../../registry/recent-refusals.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { Registry } from '../../registry/registry.ts';
import { hostOfPeer } from '../host-of-peer.ts';
import type { HeartbeatObserver } from '../registry-service.ts';
import { readPluginInformation } from './read-registration.ts';

/** Handlers of v0's `kplug.Controller`. A refusal is a response, not an error. */
export function v0Service(
  registry: Registry,
  reader: RegistrationReader,
  observer: HeartbeatObserver,
): GrpcHandlers<typeof v0.Controller> {
  return {
    pluginHeartbeat: (message, call) => {
      try {
        const peer = hostOfPeer(call.getPeer());
        registry.register(readPluginInformation(message, peer, reader), undefined, peer);
        observer.received('first-kplug');
        return { accepted: true };
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        observer.refused(error, claimsOf(message, hostOfPeer(call.getPeer())));
        return { accepted: false, notAcceptedReason: error.message };
      }
    },
  };
}

function claimsOf({ name, version, address, api, apiVersion }: v0.PluginInformation, peer: string): RefusedClaims {
  const apis = api ? [apiVersion ? `${api}@${apiVersion}` : api] : [];
  return { plugin: name, version, apis, address, instanceId: '', protocol: 'kplug', peer };
}
