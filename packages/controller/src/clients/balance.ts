import { limits } from '../limits/limits.ts';
import type { Instance } from '../registry/instance.ts';

/** Number of draws after which all instances are looked at for one with a weight. */
const { maxDraws } = limits.calls;

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
  const first = draw(instances, random);
  const second = draw(instances, random);
  if (!first || !second) return first;
  return load(second, inFlight) < load(first, inFlight) ? second : first;
}

/** Draws one of the instances with a weight at random. Without looking at all of them, as long as most have one. */
function draw(instances: readonly Instance[], random: () => number): Instance | undefined {
  for (let attempt = 0; attempt < maxDraws; attempt++) {
    const drawn = instances[Math.floor(random() * instances.length)];
    if (drawn && hasWeight(drawn)) return drawn;
  }
  const weighted = instances.filter(hasWeight);
  const candidates = weighted.length > 0 ? weighted : instances;
  return candidates[Math.floor(random() * candidates.length)];
}

function load(instance: Instance, inFlight: (instance: Instance) => number): number {
  return (inFlight(instance) + 1) / Math.max(1, instance.registration.weight);
}

function hasWeight({ registration }: Instance): boolean {
  return registration.weight > 0;
}
