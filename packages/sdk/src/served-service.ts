import type { DescService } from '@bufbuild/protobuf';

/** A service that a plugin serves beside the protocol's. */
export interface ServedService {
  service: DescService;
  /** By the methods' local names. */
  handlers: Record<string, (request: unknown, signal: AbortSignal) => unknown>;
}
