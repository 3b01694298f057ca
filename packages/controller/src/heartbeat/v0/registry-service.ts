// heartbeat/v0/: heartbeats in the first Kplug's protocol.
import type { GrpcHandlers, v0 } from '@kplug/protocol';
import { unproven } from '../../registry/claim.ts';
import type { RegistrationReader } from '../../registry/read-registration.ts';
import type { RefusedClaims } from '../../registry/recent-refusals.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { Registry } from '../../registry/registry.ts';
import type { PodNetwork } from '../../resources/services/pod-network.ts';
import { checkPodAddress } from '../check-pod-address.ts';
import { hostOfPeer } from '../host-of-peer.ts';
import type { HeartbeatObserver, PeerCall } from '../registry-service.ts';
import { readPluginInformation } from './read-registration.ts';
import type { V0Sources } from './v0-sources.ts';

/** Parts that v0's service uses. */
export interface V0Parts {
  registry: Registry;
  reader: RegistrationReader;
  observer: HeartbeatObserver;
  /** Sources whose plugins are accepted. Default: all. */
  v0Sources?: V0Sources | undefined;
  /** Addresses of pods, on a cluster. */
  podNetwork?: PodNetwork | undefined;
  /** Called with each call whose registration was accepted. */
  accepted: (call: PeerCall) => void;
}

/** Handlers of v0's `kplug.Controller`. A refusal is a response, not an error. */
export function v0Service({
  registry,
  reader,
  observer,
  v0Sources,
  podNetwork,
  accepted,
}: V0Parts): GrpcHandlers<typeof v0.Controller> {
  return {
    pluginHeartbeat: async (message, call) => {
      const peer = hostOfPeer(call.getPeer());
      try {
        const pod = v0Sources?.check(peer);
        const registration = readPluginInformation(message, peer, reader);
        const known = registry.get(registration.instanceId);
        const isUnreachable = known?.state === 'suspect';
        const target =
          (!isUnreachable && known?.registration.target) || (await reader.resolveAddress(registration.address, peer));
        const resolved = target === registration.address ? registration : { ...registration, target };
        const isChecked = known !== undefined && known.registration.target === resolved.target;
        if (pod && !isChecked) await checkPodAddress(resolved, { namespace: pod.namespace, pod }, peer, podNetwork);
        registry.register(resolved, unproven, undefined, peer);
        accepted(call);
        observer.received('first-kplug');
        return { accepted: true };
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        observer.refused(error, claimsOf(message, peer));
        return { accepted: false, notAcceptedReason: error.message };
      }
    },
  };
}

function claimsOf({ name, version, address, api, apiVersion }: v0.PluginInformation, peer: string): RefusedClaims {
  const apis = api ? [apiVersion ? `${api}@${apiVersion}` : api] : [];
  return { plugin: name, version, apis, address, instanceId: '', protocol: 'kplug', peer };
}
