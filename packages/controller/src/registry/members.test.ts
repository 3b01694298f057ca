import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InstanceOwner, unproven } from './claim.ts';
import type { Instance } from './instance.ts';
import { InstanceRecord } from './instance-record.ts';
import { Members } from './members.ts';
import { registrationOf } from './testing.ts';

it('behaves like a set, and knows the greatest weight', () => {
  const instances = [0, 100, 100, 200, 1_000].map(
    (weight, index) =>
      new InstanceRecord(registrationOf({ weight, instanceId: `${index}` }), [], new InstanceOwner(unproven), 0),
  );
  const step = fc.record({ index: fc.nat(instances.length - 1), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const members = new Members();
      const expected = new Set<Instance>();
      for (const { index, isAdded } of steps) {
        const instance = instances[index] as Instance;
        if (isAdded) {
          members.add(instance);
          expected.add(instance);
        } else {
          expect(members.delete(instance)).toBe(expected.delete(instance));
        }
        expect(new Set(members.list)).toEqual(expected);
        expect(members.list).toHaveLength(expected.size);
        expect(members.weight).toBe(Math.max(0, ...[...expected].map(({ registration }) => registration.weight)));
      }
    }),
  );
});
