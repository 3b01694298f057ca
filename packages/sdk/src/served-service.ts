import type { DescService } from '@bufbuild/protobuf';

/** gRPC service that a plugin serves besides `kplug.v1.PluginService`. */
export interface ServedService {
  /** Service, as protobuf-es generates it. */
  service: DescService;
  /** Handlers, by the local name of their method. */
  handlers: Record<string, (request: unknown, signal: AbortSignal) => unknown>;
}
