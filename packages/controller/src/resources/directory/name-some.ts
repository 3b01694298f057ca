import { limits } from '../../limits/limits.ts';

const { maxNamedResources } = limits.directory;

/** Joins names for a message; leaves out all but the first ones of many. */
export function nameSome(names: readonly string[]): string {
  const named = names.slice(0, maxNamedResources).join(', ');
  const more = names.length - maxNamedResources;
  return more > 0 ? `${named} and ${more} more` : named;
}
