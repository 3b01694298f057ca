import type { Resource } from '../resource.ts';

/** Reads Events of other clients about resources. */
export interface EventReader {
  /** Returns the last Event about a resource, as `Reason: message`, or `undefined` if there is none. Rejects with a `KplugError`. */
  lastOf(resource: Resource): Promise<string | undefined>;
}
