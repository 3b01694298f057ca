import type { Resources } from '../../resources/port.ts';
import { isOwnedBy, type Resource, type ResourceKey } from '../../resources/resource.ts';

/** Returns a dependent as it is, if the base owns it. Resources of others are neither sent to plugins nor reported. */
export function findOwned(resources: Pick<Resources, 'get'>, key: ResourceKey, base: Resource): Resource | undefined {
  const resource = resources.get(key);
  return resource && isOwnedBy(resource, base.metadata) ? resource : undefined;
}
