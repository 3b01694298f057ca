import { describe, expect, it } from 'vitest';
import { unproven } from '../registry/claim.ts';
import type { Instance } from '../registry/instance.ts';
import { registrationOf } from '../registry/testing.ts';
import { pickInstance } from './balance.ts';

function instance(instanceId: string, weight = 100): Instance {
  const registration = registrationOf({ instanceId, weight });
  const rest = {
    identity: unproven.identity,
    suspectReason: undefined,
    stateReason: '',
    unserved: new Set<string>(),
    registeredAt: 0,
    lastHeardAt: 0,
  };
  return { registration, state: 'live', ...rest };
}

/** Number of picks of each instance out of 1,000, with calls that never end. */
function spread(instances: Instance[]): Map<string, number> {
  const busy = new Map<Instance, number>();
  for (let pick = 0; pick < 1_000; pick++) {
    const picked = pickInstance(instances, (one) => busy.get(one) ?? 0);
    if (picked) busy.set(picked, (busy.get(picked) ?? 0) + 1);
  }
  return new Map([...busy].map(([one, count]) => [one.registration.instanceId, count]));
}

describe('pickInstance', () => {
  it('picks none of none, and the only one of one', () => {
    const only = instance('only', 0);
    expect(pickInstance([], () => 0)).toBeUndefined();
    expect(pickInstance([only], () => 9)).toBe(only);
  });

  it('spreads calls evenly', () => {
    const counts = [...spread([instance('a'), instance('b'), instance('c'), instance('d')]).values()];
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(20);
  });

  it('picks instances in proportion to their weights, and those of weight 0 only without others', () => {
    const counts = spread([instance('light', 100), instance('heavy', 300), instance('none', 0)]);
    expect(counts.get('none')).toBeUndefined();
    expect((counts.get('heavy') ?? 0) / (counts.get('light') ?? 1)).toBeGreaterThan(2);
  });
});
