import type { Instance } from '../registry/instance.ts';

/**
 * Picks the instance for the next call: of two at random, the one with fewer in-flight calls for its weight. That is nearly as
 * even as comparing all of them, and doesn't send every caller to the same least loaded one (Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing", 2001). Instances of weight 0 are picked only when there are no others.
 */
export function pickInstance(
  instances: readonly Instance[],
  inFlight: (instance: Instance) => number,
  random: () => number = Math.random,
): Instance | undefined {
  if (instances.length < 2) return instances[0];
  const candidates = instances.some(hasWeight) ? instances.filter(hasWeight) : instances;
  const first = candidates[Math.floor(random() * candidates.length)];
  const second = candidates[Math.floor(random() * candidates.length)];
  if (!first || !second) return first;
  return load(second, inFlight) < load(first, inFlight) ? second : first;
}

function load(instance: Instance, inFlight: (instance: Instance) => number): number {
  return (inFlight(instance) + 1) / Math.max(1, instance.registration.weight);
}

function hasWeight({ registration }: Instance): boolean {
  return registration.weight > 0;
}
