// readiness/: whether a resource is ready, by the conventions of Kubernetes.
/**
 * Readiness of a resource.
 *
 * - `ready`: its actual state is the desired one.
 * - `progressing`: it isn't ready yet.
 * - `failed`: it won't become ready without a change, as far as its controller knows.
 */
export interface Readiness {
  state: 'ready' | 'progressing' | 'failed';
  /** Reason in a few words. Empty if the resource is ready. */
  message: string;
  /** True if other resources need not wait for it, such as a claim that is bound only when a pod uses it. */
  isPassable?: boolean;
}

/** Readiness of a resource that is ready. */
export const ready: Readiness = { state: 'ready', message: '' };

/** Returns the readiness of a resource that isn't ready yet. */
export function progressing(message: string): Readiness {
  return { state: 'progressing', message };
}

/** Returns the readiness of a resource that failed. */
export function failed(message: string): Readiness {
  return { state: 'failed', message };
}
